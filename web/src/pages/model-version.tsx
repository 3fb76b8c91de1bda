export function ModelVersion() {
  return null;
}
