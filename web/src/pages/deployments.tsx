export function Deployments() {
  return null;
}
