/** The authority of a group and the certificates of its hubs. Keys are made here, openssl signs. */
import { generateKeyPair } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { runCommand } from '@routerd/runtime';

export interface KeyedCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8 PEM. Secret. */
  readonly key: string;
}

const AUTHORITY_DAYS = '3650';
/** A hub's is made again with `add-hub` long before; clients take no longer ones. */
const HUB_DAYS = '825';
const generate = promisify(generateKeyPair);
/** Instead of the system's, which makes an authority of everything that `req -x509` makes. */
const CONFIGURATION = '[req]\ndistinguished_name=name\nx509_extensions=extensions\nprompt=no\n[name]\n[extensions]\n';

/** Rejects when openssl is not there or fails. */
export async function makeAuthority(commonName: string): Promise<KeyedCertificate> {
  return issue(commonName, AUTHORITY_DAYS, [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign,cRLSign',
  ]);
}

/** Serves nodes, and proves to other hubs that it is one: both usages. @param host name or IPv4 address that nodes dial */
export async function issueHubCertificate(authority: KeyedCertificate, host: string): Promise<KeyedCertificate> {
  const extensions = [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth,clientAuth',
    `subjectAltName=${isIPv4(host) ? 'IP' : 'DNS'}:${host}`,
  ];
  return issue(host.slice(0, 64), HUB_DAYS, extensions, authority);
}

async function issue(
  commonName: string,
  days: string,
  extensions: readonly string[],
  authority?: KeyedCertificate,
): Promise<KeyedCertificate> {
  const { privateKey: key } = await generate('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const folder = await mkdtemp(path.join(tmpdir(), 'routerd-certificate-')); // 0700
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(path.join(folder, name), text, { mode: 0o600 });
    return path.join(folder, name);
  };
  try {
    const signer =
      authority === undefined
        ? []
        : ['-CA', await file('ca.pem', authority.certificate), '-CAkey', await file('ca-key.pem', authority.key)];
    const made = path.join(folder, 'certificate.pem');
    const result = await runCommand([
      'openssl',
      'req',
      '-x509',
      '-new',
      '-config',
      await file('openssl.cnf', CONFIGURATION),
      '-key',
      await file('key.pem', key),
      '-days',
      days,
      '-subj',
      `/CN=${commonName}`,
      '-out',
      made,
      ...signer,
      ...extensions.flatMap((extension) => ['-addext', extension]),
    ]);
    if (!result.ok) throw new Error(`openssl: ${result.error.stderr.trim() || result.error.code}`);
    return { certificate: await readFile(made, 'utf8'), key };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
