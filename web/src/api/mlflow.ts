// The few calls of MLflow's protocol that pages need: the files of a run.
import { useQuery } from '@tanstack/react-query';
import { ApiError } from './client';

export interface ArtifactFile {
  path: string;
  is_dir: boolean;
  file_size?: number | string;
}

async function ask<T>(path: string, query: Record<string, string>, signal: AbortSignal): Promise<T> {
  const response = await fetch(`/ajax-api/2.0/mlflow${path}?${new URLSearchParams(query)}`, {
    signal,
    credentials: 'same-origin',
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, body.message ?? response.statusText, '', '', body.error_code);
  return body as T;
}

export function useArtifacts(run: string, folder: string) {
  return useQuery<{ root_uri: string; files?: ArtifactFile[] }, ApiError>({
    queryKey: ['/artifacts/list', run, folder],
    queryFn: ({ signal }) => ask('/artifacts/list', folder ? { run_id: run, path: folder } : { run_id: run }, signal),
  });
}

export const artifactUrl = (run: string, path: string) =>
  `/get-artifact?${new URLSearchParams({ run_id: run, run_uuid: run, path })}`;
