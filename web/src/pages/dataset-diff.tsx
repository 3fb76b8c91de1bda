export function DatasetDiff() {
  return null;
}
