// A node of the lineage graph is "kind:name[@version]"; this says which page shows it.
export interface Node {
  kind: string;
  name: string;
  version: string;
}

export function readNode(node: string): Node {
  const colon = node.indexOf(':');
  const kind = colon < 0 ? '' : node.slice(0, colon);
  const rest = node.slice(colon + 1);
  const at = rest.lastIndexOf('@');
  return at < 0 ? { kind, name: rest, version: '' } : { kind, name: rest.slice(0, at), version: rest.slice(at + 1) };
}

const e = encodeURIComponent;

/** The path (below /ui) of the page that shows a node; its lineage when it has no page of its own. */
export function pathOfNode(node: string): string {
  const { kind, name, version } = readNode(node);
  switch (kind) {
    case 'model':
    case 'model_version':
      return version ? `/models/${e(name)}/${e(version)}` : `/models/${e(name)}`;
    case 'dataset':
    case 'dataset_version':
      return version ? `/data/${e(name)}/${e(version)}` : `/data/${e(name)}`;
    case 'deployment':
    case 'release':
      return `/deployments/${e(name)}`;
    case 'run':
    case 'mlflow_run':
      return `/runs/${e(name)}`;
    case 'alert':
      return `/alerts/${e(name)}`;
    case 'review':
      return `/reviews/${e(name)}`;
    case 'stage':
    case 'stage_run':
      return `/pipeline?stage=${e(name)}`;
    default:
      return `/lineage?node=${e(node)}`;
  }
}
