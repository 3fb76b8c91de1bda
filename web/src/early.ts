// Asks for what a page begins with while the scripts that draw it are still on their way; api/client.ts takes the answers.
// It stands alone: whatever it imported would have to be there first. early.test.ts holds it to what the pages ask.
const KEPT = ['experiment', 'filter', 'order', 'columns', 'differ', 'view'];

/** What is asked for at an address; `memory` is the last choice in the table of runs. */
export function asksOf(path: string, search: string, memory: string | null): string[] {
  const asks = ['/session'];
  if (path !== '/ui/runs') return asks;
  let chosen: Record<string, string | undefined> = Object.fromEntries(new URLSearchParams(search));
  try {
    if (memory && KEPT.every((key) => !chosen[key])) chosen = JSON.parse(memory);
  } catch {
    return asks;
  }
  const query = new URLSearchParams();
  for (const name of ['experiment', 'filter', 'order']) if (chosen[name]) query.set(name, chosen[name]);
  const columns = (chosen.columns ?? 'common').split(',').map((each) => each.replace(/~(last|min|max)$/, ''));
  if (chosen.columns !== '-') query.set('columns', [...new Set(columns)].join(','));
  query.set('total', 'false');
  query.set('limit', '100');
  asks.push(`/runs?${query}`);
  return asks;
}

declare global {
  var millraceEarly: Map<string, Promise<Response>> | undefined;
}

if (location.pathname.startsWith('/ui/')) {
  const early = new Map<string, Promise<Response>>();
  let memory: string | null = null;
  try {
    memory = localStorage.getItem('millrace.runs');
  } catch {
    // A browser that keeps nothing has no last choice.
  }
  for (const ask of asksOf(location.pathname, location.search, memory)) {
    const answer = fetch(`/api/millrace/v1${ask}`, { credentials: 'same-origin' });
    answer.catch(() => {}); // whoever takes it hears of it
    early.set(`/api/millrace/v1${ask}`, answer);
  }
  globalThis.millraceEarly = early;
  // What nobody has taken by then would be old.
  setTimeout(() => early.clear(), 10_000);
}
