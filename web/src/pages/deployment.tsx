export function Deployment() {
  return null;
}
