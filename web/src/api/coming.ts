// Paths that the OpenAPI document does not have yet; empty when both sides stand.
export type Coming =
  | `/session${string}`
  | '/sessions'
  | `/changes`
  | '/search'
  | `/audit/${string}`
  | '/health/details'
  | `/views${string}`
  | '/fleet'
  | '/experiments'
  | `/runs${string}`
  | '/models/summary'
  | `/models/${string}/diff`
  | '/sources'
  | `/datasets/${string}`
  | '/pipeline'
  | '/deployments'
  | `/deployments/${string}`
  | '/alerts/groups'
  | `/alerts/${string}`
  | `/neighbours/${string}`
  | '/paths'
  | `/cases/${string}`;
