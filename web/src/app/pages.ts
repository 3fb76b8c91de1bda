// The pages of the navigation, in the order of the loop.
export interface PageEntry {
  to: string;
  title: string;
  icon: string;
  about: string;
  group: string;
}

export const PAGES: PageEntry[] = [
  { to: '/', title: 'Home', icon: 'home', about: 'all models in service, worst first', group: '' },
  { to: '/alerts', title: 'Alerts', icon: 'alerts', about: 'what is wrong, and why', group: '' },
  { to: '/reviews', title: 'Reviews', icon: 'reviews', about: 'what people are asked', group: '' },
  { to: '/data', title: 'Data', icon: 'data', about: 'sources, versions, contract verdicts', group: 'Build' },
  { to: '/pipeline', title: 'Pipeline', icon: 'pipeline', about: 'stages, and why each ran', group: 'Build' },
  { to: '/runs', title: 'Runs', icon: 'runs', about: 'experiments, metrics, comparison', group: 'Build' },
  { to: '/models', title: 'Models', icon: 'models', about: 'versions, gates, approvals', group: 'Release' },
  { to: '/deployments', title: 'Deployments', icon: 'deployments', about: 'arms, shares, rollback', group: 'Release' },
  { to: '/monitoring', title: 'Monitoring', icon: 'monitoring', about: 'performance, drift, latency', group: 'Watch' },
  { to: '/lineage', title: 'Lineage', icon: 'lineage', about: 'what came from what', group: 'Watch' },
  { to: '/impact', title: 'Impact', icon: 'impact', about: 'value, cost, lead times', group: 'Watch' },
  { to: '/audit', title: 'Audit', icon: 'audit', about: 'who did what, verified', group: 'Govern' },
  { to: '/settings', title: 'Settings', icon: 'settings', about: 'tokens, sessions, health', group: 'Govern' },
];
