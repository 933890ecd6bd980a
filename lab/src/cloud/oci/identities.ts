/** The certificates with which OCI's instances prove who they are, made when the cloud starts and kept in memory. */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { authorityIn, issueInstanceCertificates } from '../../pki.ts';
import type { CloudConfig } from '../cloud-config.ts';
import type { InstanceIdentity } from './imds.ts';

export interface Identities {
  readonly root: X509Certificate;
  /** By instance OCID. */
  readonly instances: ReadonlyMap<string, InstanceIdentity>;
}

export async function issueIdentities(config: CloudConfig): Promise<Identities> {
  if (config.identityCaDir === undefined) throw new Error('identityCaDir is needed to give OCI instances an identity');
  const authority = authorityIn(config.identityCaDir);
  const dir = await mkdtemp(path.join(tmpdir(), 'oci-identities-'));
  try {
    const issued = await issueInstanceCertificates(authority, {
      tenancy: config.account,
      compartment: config.scope,
      instanceIds: config.instances.flatMap(({ instanceId, permissions }) =>
        permissions === 'router' ? [instanceId] : [],
      ),
      dir,
    });
    const instances = await Promise.all(
      issued.map(async ({ instanceId, certFile, keyFile, intermediateFile }) => {
        const [cert, key, intermediate] = await Promise.all(
          [certFile, keyFile, intermediateFile].map(async (file) => readFile(file, 'utf8')),
        );
        return [instanceId, { cert: cert ?? '', key: key ?? '', intermediate: intermediate ?? '' }] as const;
      }),
    );
    return { root: new X509Certificate(await readFile(authority.certFile)), instances: new Map(instances) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
