/** Keys, identities and certificates of one lab, made fresh for each. */
import path from 'node:path';
import { generateNodeIdentity, type NodeIdentity } from '@routerd/federation';
import type { CloudFiles } from './cloud-accounts.ts';
import type { LabFiles } from './lab-files.ts';
import { authorityIn, createAuthority, issueServerCertificate, type Authority, type Certificate } from './pki.ts';
import { API_ADDRESS, HUB, VENDOR_NAMES, type EmulatedCloud, type Router } from './topology.ts';
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
  readonly clouds: Readonly<Record<EmulatedCloud, CloudFiles>>;
}

/** @param routers those that are to be members of the federation */
export async function makeMaterial(files: LabFiles, routers: readonly Router[]): Promise<Material> {
  const authority = await createAuthority(pkiDir(files, 'ca'));
  const hubNames = { names: [`${HUB.name}.lab.test`, HUB.name], ips: [HUB.address], dir: pkiDir(files, HUB.name) };
  const [hub, clouds] = await Promise.all([
    issueServerCertificate(authority, hubNames),
    issueCloudFiles(files, authority),
  ]);
  const keys = new Map(
    routers.map(({ name }) => [name, { ...generateNodeIdentity(), wireGuard: generateWireGuardKeys() }]),
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
    clouds,
  };
}

/** For a lab whose routers bring their own keys. */
export async function makeCloudMaterial(files: LabFiles): Promise<Material['clouds']> {
  return issueCloudFiles(files, await createAuthority(pkiDir(files, 'ca')));
}

/** The authority behind the vendors' APIs of a lab, which their clients have to be told of. */
export function vendorCaFile(files: LabFiles): string {
  return authorityIn(pkiDir(files, 'ca')).certFile;
}

async function issueCloudFiles(files: LabFiles, authority: Authority): Promise<Material['clouds']> {
  const identityAuthority = await createAuthority(pkiDir(files, 'oci-identity'), 'OCI instance identity (lab)');
  const cloudFiles = async (cloud: EmulatedCloud): Promise<CloudFiles> => ({
    tls: await issueServerCertificate(authority, {
      names: VENDOR_NAMES[cloud],
      ips: [API_ADDRESS],
      dir: pkiDir(files, cloud),
    }),
    identityCaDir: path.dirname(identityAuthority.certFile),
  });
  const [aws, azure, oci, gcp] = await Promise.all([
    cloudFiles('aws'),
    cloudFiles('azure'),
    cloudFiles('oci'),
    cloudFiles('gcp'),
  ]);
  return { aws, azure, oci, gcp };
}

function pkiDir(files: LabFiles, name: string): string {
  return path.join(files.stateDir, 'pki', name);
}
