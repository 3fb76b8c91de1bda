export function DatasetVersion() {
  return null;
}
