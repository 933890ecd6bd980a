import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { authorityIn, createAuthority, issueInstanceCertificates, issueServerCertificate } from '../../src/pki.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'lab-pki-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const read = (file: string): X509Certificate => new X509Certificate(readFileSync(file));

test('a server certificate is signed by the authority and good for its names and addresses, not for others', async () => {
  const authority = await createAuthority(dir);
  const options = { names: ['ec2.eu-west-1.amazonaws.com'], ips: ['192.0.2.10'], dir: path.join(dir, 'server') };
  const issued = await issueServerCertificate(authority, options);
  const certificate = read(issued.certFile);
  expect(certificate.verify(read(authority.certFile).publicKey)).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(certificate.checkHost('ec2.eu-west-1.amazonaws.com')).toBe('ec2.eu-west-1.amazonaws.com');
  expect(certificate.checkIP('192.0.2.10')).toBe('192.0.2.10');
  expect(certificate.checkHost('management.azure.com')).toBeUndefined();
});

test('private keys are readable by their owner alone', async () => {
  const authority = await createAuthority(dir);
  const issued = await issueServerCertificate(authority, { names: ['a.test'], ips: [], dir });
  expect(authorityIn(dir)).toEqual(authority);
  for (const { keyFile } of [authority, issued]) expect(statSync(keyFile).mode & 0o777).toBe(0o600);
});

test('an instance certificate names its tenancy and instance in full, though OCIDs are longer than X.509 likes', async () => {
  const authority = await createAuthority(dir);
  const tenancy = `ocid1.tenancy.oc1..${'t'.repeat(60)}`;
  const instanceIds = ['a', 'b'].map((letter) => `ocid1.instance.oc1.eu-frankfurt-1.${letter.repeat(60)}`);
  const issued = await issueInstanceCertificates(authority, {
    tenancy,
    compartment: `ocid1.compartment.oc1..${'c'.repeat(60)}`,
    instanceIds,
    dir: path.join(dir, 'instances'),
  });
  expect(issued.map(({ instanceId }) => instanceId)).toEqual(instanceIds);
  for (const { instanceId, certFile, intermediateFile } of issued) {
    const leaf = read(certFile);
    const intermediate = read(intermediateFile);
    expect(leaf.subject).toContain(`opc-tenant:${tenancy}`);
    expect(leaf.subject).toContain(`opc-instance:${instanceId}`);
    expect(leaf.verify(intermediate.publicKey)).toBe(true);
    expect(intermediate.verify(read(authority.certFile).publicKey)).toBe(true);
    expect(leaf.publicKey.asymmetricKeyType).toBe('rsa');
  }
});
