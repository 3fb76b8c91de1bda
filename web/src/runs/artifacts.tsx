// The files of a run, a folder at a time; each is a download.

import { type ArtifactFile, artifactUrl, useArtifacts } from '@/api/mlflow';
import { Card, Empty, Shown } from '@/parts/basics';
import { bytes } from '@/parts/format';

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

export function Artifacts({
  run,
  folder,
  onFolder,
}: {
  run: string;
  folder: string;
  onFolder: (folder: string) => void;
}) {
  const asked = useArtifacts(run, folder);
  const steps = folder ? folder.split('/') : [];
  const link = (text: string, to: string) => (
    <button type="button" className="link" onClick={() => onFolder(to)}>
      {text}
    </button>
  );
  return (
    <Card title="Files">
      {steps.length > 0 && (
        <nav className="row" aria-label="Folder">
          {link('files', '')}
          {steps.map((step, index) => (
            <span key={steps.slice(0, index + 1).join('/')}>
              / {index === steps.length - 1 ? step : link(step, steps.slice(0, index + 1).join('/'))}
            </span>
          ))}
        </nav>
      )}
      <Shown of={asked}>
        {({ files = [] }) =>
          files.length === 0 ? (
            <Empty title="No files">
              {folder ? 'This folder is empty.' : 'The run kept none: mlflow.log_artifact("plot.png") keeps one.'}
            </Empty>
          ) : (
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">name</th>
                  <th scope="col" className="right">
                    size
                  </th>
                </tr>
              </thead>
              <tbody>
                {files.map((file: ArtifactFile) => (
                  <tr key={file.path}>
                    <td>
                      {file.is_dir ? (
                        link(`${nameOf(file.path)}/`, file.path)
                      ) : (
                        <a href={artifactUrl(run, file.path)} download={nameOf(file.path)}>
                          {nameOf(file.path)}
                        </a>
                      )}
                    </td>
                    <td className="right">{file.is_dir ? '' : bytes(Number(file.file_size ?? 0))}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Shown>
    </Card>
  );
}
