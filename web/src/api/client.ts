// Calls of the native API. Errors keep the server's own words: RFC 9457 problems with a hint.
import type {} from '@/early';
import type { paths } from './paths';

const BASE = '/api/millrace/v1';

type Native<P> = P extends `/api/millrace/v1${infer Rest}` ? Rest : never;
type Filled<P extends string> = P extends `${infer Head}{${string}}${infer Tail}`
  ? `${Head}${string}${Filled<Tail>}`
  : P;
/** A path of the OpenAPI document with its {names} filled in: a typing mistake does not compile. */
export type Path = Filled<Native<keyof paths>>;

export type Query = Record<string, string | number | boolean | null | undefined>;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint = '',
    readonly field = '',
    readonly code = '',
    readonly requestId = '',
  ) {
    super(message);
  }
}

let signedOut: () => void = () => {};
/** Called when the server no longer knows who asks. */
export function onSignedOut(handler: () => void) {
  signedOut = handler;
}

/** The address of a question: what early.ts asked is found by it. */
export function target(path: string, query?: Query) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
  const text = search.toString();
  return BASE + path + (text ? `?${text}` : '');
}

async function problem(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const body = JSON.parse(text);
    return new ApiError(
      response.status,
      body.detail ?? body.message ?? body.title ?? text,
      body.hint ?? '',
      body.field ?? body.where?.field ?? '',
      body.code ?? '',
      body.request_id ?? '',
    );
  } catch {
    return new ApiError(response.status, text || response.statusText);
  }
}

/** What early.ts has asked already; each answer is taken once. */
function asked(url: string): Promise<Response> | undefined {
  const answer = globalThis.millraceEarly?.get(url);
  globalThis.millraceEarly?.delete(url);
  return answer;
}

async function call<T>(method: string, path: string, query?: Query, body?: unknown, signal?: AbortSignal): Promise<T> {
  if (method !== 'GET') globalThis.millraceEarly?.clear(); // what was asked before a change, or as somebody else
  let response: Response;
  const url = target(path, query);
  try {
    response = await ((method === 'GET' && asked(url)) ||
      fetch(url, {
        method,
        signal,
        credentials: 'same-origin',
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
      }));
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(
      0,
      'the server does not answer',
      'is `millrace up` still running? This page asks again by itself',
    );
  }
  if (!response.ok) {
    const error = await problem(response);
    if (response.status === 401 && path !== '/session') signedOut();
    throw error;
  }
  if (response.status === 204) return undefined as T;
  const type = response.headers.get('content-type') ?? '';
  return (type.includes('json') ? await response.json() : await response.text()) as T;
}

export const get = <T>(path: Path, query?: Query, signal?: AbortSignal) =>
  call<T>('GET', path, query, undefined, signal);
export const post = <T>(path: Path, body: unknown = {}) => call<T>('POST', path, undefined, body);
export const put = <T>(path: Path, body: unknown) => call<T>('PUT', path, undefined, body);
export const remove = <T>(path: Path) => call<T>('DELETE', path);

/** One part of a path: names may hold anything. */
export const part = (text: string | number) => encodeURIComponent(String(text));
/** A node's id as the rest of a path: its slashes stay. */
export const parts = (text: string) => text.split('/').map(encodeURIComponent).join('/');

export interface Page<T> {
  items: T[];
  next: string | null;
  total?: number;
}
