export function Lineage() {
  return null;
}
