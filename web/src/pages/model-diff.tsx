export function ModelDiff() {
  return null;
}
