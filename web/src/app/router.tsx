// Every view is a link: paths and typed search parameters. Pages are loaded when they are opened.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouteComponent,
} from '@tanstack/react-router';
import type { Address } from '@/parts/address';
import { Empty } from '@/parts/basics';
import { askRows } from '@/runs/state';
import { Shell } from './shell';

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => <Empty title="There is no such page">Use the navigation, or search with ctrl K.</Empty>,
});

type Loaded = Promise<Record<string, RouteComponent>>;
/** `ask` asks for what the page begins with, beside its scripts. */
const page = <P extends string>(
  path: P,
  load: () => Promise<unknown>,
  name: string,
  ask?: (address: Address) => Promise<unknown>,
) =>
  createRoute({
    getParentRoute: () => root,
    path,
    // Search parameters are texts; each page reads its own through useParams of parts/address.
    validateSearch: (search: Record<string, unknown>): Record<string, string | undefined> =>
      Object.fromEntries(
        Object.entries(search).map(([key, value]) => [
          key,
          value === undefined || value === null ? undefined : String(value),
        ]),
      ),
    component: lazyRouteComponent(load as () => Loaded, name),
    loader: ask && (({ location }) => ask(location.search as Address)),
    shouldReload: false, // another filter of a page that is open is the page's to ask for
  });

const routes = [
  page('/', () => import('@/pages/home'), 'Home'),
  page('/runs', () => import('@/pages/runs'), 'Runs', askRows),
  page('/runs/compare', () => import('@/pages/compare'), 'Compare'),
  page('/runs/$run', () => import('@/pages/run'), 'Run'),
  page('/models', () => import('@/pages/models'), 'Models'),
  page('/models/$model', () => import('@/pages/model'), 'Model'),
  page('/models/$model/diff', () => import('@/pages/model-diff'), 'ModelDiff'),
  page('/models/$model/$version', () => import('@/pages/model-version'), 'ModelVersion'),
  page('/data', () => import('@/pages/data'), 'Data'),
  page('/data/$dataset', () => import('@/pages/dataset'), 'Dataset'),
  page('/data/$dataset/diff', () => import('@/pages/dataset-diff'), 'DatasetDiff'),
  page('/data/$dataset/$version', () => import('@/pages/dataset-version'), 'DatasetVersion'),
  page('/pipeline', () => import('@/pages/pipeline'), 'Pipeline'),
  page('/deployments', () => import('@/pages/deployments'), 'Deployments'),
  page('/deployments/$deployment', () => import('@/pages/deployment'), 'Deployment'),
  page('/monitoring', () => import('@/pages/monitoring'), 'Monitoring'),
  page('/monitoring/$deployment', () => import('@/pages/monitor'), 'Monitor'),
  page('/monitoring/$deployment/$feature', () => import('@/pages/feature'), 'Feature'),
  page('/alerts', () => import('@/pages/alerts'), 'Alerts'),
  page('/alerts/$alert', () => import('@/pages/alert'), 'Alert'),
  page('/lineage', () => import('@/pages/lineage'), 'Lineage'),
  page('/reviews', () => import('@/pages/reviews'), 'Reviews'),
  page('/reviews/$review', () => import('@/pages/review'), 'Review'),
  page('/impact', () => import('@/pages/impact'), 'Impact'),
  page('/audit', () => import('@/pages/audit'), 'Audit'),
  page('/settings', () => import('@/pages/settings'), 'Settings'),
];

export const router = createRouter({
  routeTree: root.addChildren(routes),
  basepath: '/ui',
  defaultPreload: 'intent',
  scrollRestoration: true,
  // Search parameters stay plain texts in the address: ?experiment=3 and not ?experiment="3".
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const text = new URLSearchParams(
      Object.entries(search)
        .filter(([, value]) => value !== undefined && value !== '')
        .map(([key, value]) => [key, String(value)]),
    ).toString();
    return text ? `?${text}` : '';
  },
});
