export function Impact() {
  return null;
}
