/** The configuration of a machine of a group, as YAML text. Pure. */
import type { NodeName } from '@routerd/resources';
import type { Enrolment } from './enrolment-token.ts';

export interface PeerKeys {
  readonly publicKey: string;
  readonly nextPublicKey?: string | undefined;
}

/** Where hubs listen for hubs. */
const CLUSTER_PORT = 6222;

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface ClusterPart {
  readonly replicas: 1 | 3;
  /** Undefined for a hub alone. */
  readonly cluster?: { readonly listen: Endpoint; readonly routes: string[] };
}

/** What a hub is told of the others. @param own where nodes dial it */
export function clusterOf(own: Endpoint, others: readonly Endpoint[]): ClusterPart {
  return {
    // Two keep no majority when one is lost, so a stream is kept by one or by three.
    replicas: others.length >= 2 ? 3 : 1,
    ...(others.length === 0
      ? {}
      : {
          cluster: {
            listen: { address: own.address, port: CLUSTER_PORT },
            routes: others.map(({ address }) => `tls://${address}:${CLUSTER_PORT}`),
          },
        }),
  };
}

/** Annotation of an EventPeer: of which list of members it comes. A signed list that is older does not count beside it. */
export const SERIAL_ANNOTATION = 'federation.routerd.net/serial';

/** EventPeer documents, in the order of their names. */
export function peerDocuments(group: string, peers: ReadonlyMap<NodeName, PeerKeys>, serial?: number): string {
  const annotated = serial === undefined ? '' : `, annotations: { ${SERIAL_ANNOTATION}: "${serial}" }`;
  return [...peers]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, { publicKey, nextPublicKey }]) =>
      [
        'apiVersion: federation.routerd.net/v1alpha1',
        'kind: EventPeer',
        `metadata: { name: ${node}${annotated} }`,
        'spec:',
        `  groupRef: ${group}`,
        `  nodeName: ${node}`,
        `  publicKey: ${publicKey}`,
        ...(nextPublicKey === undefined ? [] : [`  nextPublicKey: ${nextPublicKey}`]),
        '',
      ].join('\n'),
    )
    .join('---\n');
}

export interface GroupFiles {
  readonly seed: string;
  readonly authority: string;
  readonly operatorSeed: string;
  readonly certificate: string;
  readonly key: string;
}

/** @param files absolute paths on the machine that joins */
export function groupDocument({ group, node, servers, hub, rosterKey }: Enrolment, files: GroupFiles): string {
  return [
    'apiVersion: federation.routerd.net/v1alpha1',
    'kind: EventGroup',
    `metadata: { name: ${group} }`,
    'spec:',
    `  nodeName: ${node}`,
    `  servers: [${servers.map(quote).join(', ')}]`,
    `  identity: { seedFile: ${quote(files.seed)} }`,
    `  tls: { caFile: ${quote(files.authority)} }`,
    ...(rosterKey === undefined ? [] : [`  rosterKey: ${rosterKey}`]),
    ...(hub === undefined ? [] : hubLines(hub, files)),
    '',
  ].join('\n');
}

function hubLines({ listen, replicas, cluster }: NonNullable<Enrolment['hub']>, files: GroupFiles): readonly string[] {
  const at = ({ address, port }: typeof listen): string => `{ address: ${address}, port: ${port} }`;
  return [
    '  role: hub',
    '  server: managed',
    `  listen: ${at(listen)}`,
    '  hub:',
    `    operatorSeedFile: ${quote(files.operatorSeed)}`,
    `    replicas: ${replicas}`,
    `    tls: { certFile: ${quote(files.certificate)}, keyFile: ${quote(files.key)} }`,
    ...(cluster === undefined
      ? []
      : [
          '    cluster:',
          `      listen: ${at(cluster.listen)}`,
          `      routes: [${cluster.routes.map(quote).join(', ')}]`,
        ]),
  ];
}

/** A JSON string is a YAML string. */
function quote(text: string): string {
  return JSON.stringify(text);
}
