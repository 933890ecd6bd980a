/**
 * The lab's own certificates: an authority for the TLS of hub and vendors' APIs, and the chain that OCI's metadata service hands to its instances.
 * Keys are made in this process and written 0600; openssl only signs. EC P-256 (well under a millisecond each), except for what OCI's SDK signs
 * requests with, which has to be RSA.
 */
import { generateKeyPair } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { runCommand } from '@routerd/runtime';
import { outputOf } from './lab-fault.ts';

/** A certificate in PEM with its private key (PKCS #8 PEM, mode 0600). */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate that may sign others. */
export type Authority = Certificate;

export interface ServerCertificateOptions {
  /** DNS names; wildcards allowed. */
  readonly names: readonly string[];
  readonly ips: readonly string[];
  /** It also dials others as a client that proves itself, as the hubs of a cluster do. */
  readonly alsoClient?: boolean;
  /** Gets `server.pem` and `server-key.pem`. */
  readonly dir: string;
}

/** What `GET /opc/v2/identity/{cert,key,intermediate}.pem` shows to one instance. */
export interface InstanceCertificate extends Certificate {
  readonly instanceId: string;
  readonly intermediateFile: string;
}

export interface InstanceCertificatesOptions {
  readonly tenancy: string;
  readonly compartment: string;
  readonly instanceIds: readonly string[];
  /** Gets the intermediate authority, and a numbered folder for each instance. */
  readonly dir: string;
}

/**
 * Of openssl, instead of the system's, which adds CA:TRUE to everything that `req -x509` makes. Organisational units and organisations
 * are longer than RFC 5280's 64 characters where they carry OCIDs, as the real ones are.
 */
const CONFIGURATION = [
  'openssl_conf=init',
  '[init]',
  'stbl_section=strings',
  '[strings]',
  'OU=min:1,max:256',
  'O=min:1,max:256',
  '[req]',
  'distinguished_name=name',
  'x509_extensions=extensions',
  'prompt=no',
  '[name]',
  '[extensions]',
];
const DAYS = '825'; // what TLS clients accept at most for a leaf
const generate = promisify(generateKeyPair);

/** Makes a self-signed root: `ca.pem` and `ca-key.pem` in `dir`, replacing what is there. */
export async function createAuthority(dir: string, commonName = 'routerd lab'): Promise<Authority> {
  return issue({
    dir,
    stem: 'ca',
    subject: `/CN=${commonName}`,
    keyType: 'ec',
    extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'],
  });
}

/** The authority that `createAuthority` left in `dir`. */
export function authorityIn(dir: string): Authority {
  return { certFile: path.join(dir, 'ca.pem'), keyFile: path.join(dir, 'ca-key.pem') };
}

/** A certificate for a TLS server; the first name (or address) is its common name. */
export async function issueServerCertificate(
  authority: Authority,
  { names, ips, alsoClient = false, dir }: ServerCertificateOptions,
): Promise<Certificate> {
  const subjects = [...names.map((name) => `DNS:${name}`), ...ips.map((ip) => `IP:${ip}`)];
  return issue({
    dir,
    stem: 'server',
    subject: `/CN=${(names[0] ?? ips[0] ?? 'server').slice(0, 64)}`, // RFC 5280 ub-common-name
    keyType: 'ec',
    authority,
    extensions: [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      `extendedKeyUsage=serverAuth${alsoClient ? ',clientAuth' : ''}`,
      `subjectAltName=${subjects.join(',')}`,
    ],
  });
}

/**
 * Root → intermediate → one leaf for each instance, as OCI's metadata service has them. The SDK reads the tenancy from the leaf's subject
 * (`opc-tenant:<ocid>`), the identity service the instance (`opc-instance:<ocid>`).
 */
export async function issueInstanceCertificates(
  authority: Authority,
  options: InstanceCertificatesOptions,
): Promise<readonly InstanceCertificate[]> {
  const intermediate = await issue({
    dir: options.dir,
    stem: 'intermediate',
    subject: '/CN=PKISVC Identity Intermediate (lab)',
    keyType: 'ec',
    authority,
    extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign,cRLSign'],
  });
  return Promise.all(
    options.instanceIds.map(async (instanceId, index) => {
      const leaf = await issue({
        dir: path.join(options.dir, `${index}`),
        stem: 'cert',
        subject: instanceSubject(options, instanceId),
        keyType: 'rsa',
        authority: intermediate,
        extensions: ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'],
      });
      return { ...leaf, instanceId, intermediateFile: intermediate.certFile };
    }),
  );
}

function instanceSubject({ tenancy, compartment }: InstanceCertificatesOptions, instanceId: string): string {
  const units = ['opc-certtype:instance', `opc-instance:${instanceId}`, `opc-compartment:${compartment}`];
  return `/CN=instance${units.map((unit) => `/OU=${unit}`).join('')}/O=opc-tenant:${tenancy}`;
}

interface Issue {
  readonly dir: string;
  /** Files are `<stem>.pem` and `<stem>-key.pem`. */
  readonly stem: string;
  /** As `openssl req -subj` writes it. */
  readonly subject: string;
  readonly keyType: 'ec' | 'rsa';
  /** Signs itself when absent. */
  readonly authority?: Authority;
  readonly extensions: readonly string[];
}

async function issue({ dir, stem, subject, keyType, authority, extensions }: Issue): Promise<Certificate> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const at = (suffix: string): string => path.join(dir, `${stem}${suffix}`);
  const files = { certFile: at('.pem'), keyFile: at('-key.pem') };
  const { privateKey } =
    keyType === 'ec'
      ? await generate('ec', { namedCurve: 'prime256v1' })
      : await generate('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFile(files.keyFile, key, { mode: 0o600 });
  await writeFile(at('.cnf'), [...CONFIGURATION, ...extensions, ''].join('\n'), { mode: 0o600 });
  const signer = authority === undefined ? [] : ['-CA', authority.certFile, '-CAkey', authority.keyFile];
  outputOf(
    await runCommand([
      'openssl',
      'req',
      '-x509',
      '-utf8',
      '-config',
      at('.cnf'),
      '-key',
      files.keyFile,
      ...signer,
      '-subj',
      subject,
      '-sha256',
      '-days',
      DAYS,
      '-out',
      files.certFile,
    ]),
    `issuing ${files.certFile}`,
  );
  return files;
}
