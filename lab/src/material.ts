/** Keys, identities and certificates of one lab, made fresh for each. */
import path from 'node:path';
import { generateNodeIdentity, type NodeIdentity } from '@routerd/federation';
import type { CloudFiles } from './cloud-accounts.ts';
import type { LabFiles } from './lab-files.ts';
import { createAuthority, issueServerCertificate, type Certificate } from './pki.ts';
import { API_ADDRESS, CLOUDS, HUB, ROUTERS, VENDOR_NAMES, type Cloud } from './topology.ts';
import { generateWireGuardKeys, type WireGuardKeyPair } from './wireguard-keys.ts';

export interface NodeKeys {
  /** NKey public key, `U…`. */
  readonly publicKey: string;
  /** NKey seed, `SU…`. Secret. */
  readonly seed: string;
  readonly wireGuard: WireGuardKeyPair;
}

export interface Material {
  /** Keys of a router. */
  of(routerName: string): NodeKeys;
  /** The authority behind the hub's certificate and the vendors' APIs. */
  readonly caFile: string;
  readonly hub: Certificate;
  /** Who provisions the hub's streams. */
  readonly operator: NodeIdentity;
  readonly clouds: Readonly<Record<Cloud, CloudFiles>>;
}

export async function makeMaterial(files: LabFiles): Promise<Material> {
  const dir = (name: string): string => path.join(files.stateDir, 'pki', name);
  const [authority, identityAuthority] = await Promise.all([
    createAuthority(dir('ca')),
    createAuthority(dir('oci-identity'), 'OCI instance identity (lab)'),
  ]);
  const cloudFiles = async (cloud: Cloud): Promise<CloudFiles> => ({
    tls: await issueServerCertificate(authority, { names: VENDOR_NAMES[cloud], ips: [API_ADDRESS], dir: dir(cloud) }),
    identityCaDir: path.dirname(identityAuthority.certFile),
  });
  const hubNames = { names: [`${HUB.name}.lab.test`, HUB.name], ips: [HUB.address], dir: dir(HUB.name) };
  const [hub, ...clouds] = await Promise.all([issueServerCertificate(authority, hubNames), ...CLOUDS.map(cloudFiles)]);
  const [aws, azure, oci] = clouds;
  if (aws === undefined || azure === undefined || oci === undefined) throw new Error('three clouds expected');
  const keys = new Map(
    ROUTERS.map(({ name }) => [name, { ...generateNodeIdentity(), wireGuard: generateWireGuardKeys() }]),
  );
  return {
    of(routerName) {
      const found = keys.get(routerName);
      if (found === undefined) throw new Error(`no keys were made for ${routerName}`);
      return found;
    },
    caFile: authority.certFile,
    hub,
    operator: generateNodeIdentity(),
    clouds: { aws, azure, oci },
  };
}
