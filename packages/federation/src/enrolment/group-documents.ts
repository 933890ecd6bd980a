/** The configuration of a machine of a group, as YAML text. Pure. */
import type { NodeName } from '@routerd/resources';
import type { Enrolment } from './enrolment-token.ts';

export interface PeerKeys {
  readonly publicKey: string;
  readonly nextPublicKey?: string | undefined;
}

/** EventPeer documents of every node but `self`, in the order of their names. */
export function peerDocuments(group: string, peers: ReadonlyMap<NodeName, PeerKeys>, self?: NodeName): string {
  return [...peers]
    .filter(([node]) => node !== self)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, { publicKey, nextPublicKey }]) =>
      [
        'apiVersion: federation.routerd.net/v1alpha1',
        'kind: EventPeer',
        `metadata: { name: ${node} }`,
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
export function groupDocument({ group, node, servers, hub }: Enrolment, files: GroupFiles): string {
  return [
    'apiVersion: federation.routerd.net/v1alpha1',
    'kind: EventGroup',
    `metadata: { name: ${group} }`,
    'spec:',
    `  nodeName: ${node}`,
    `  servers: [${servers.map(quote).join(', ')}]`,
    `  identity: { seedFile: ${quote(files.seed)} }`,
    `  tls: { caFile: ${quote(files.authority)} }`,
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
