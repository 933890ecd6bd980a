import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { SessionCredentials } from '../../src/cloud/aws/credentials.ts';
import { verifySignature } from '../../src/cloud/aws/signature.ts';
import type { WireRequest } from '../../src/cloud/wire.ts';
import { wireRequest } from './wire-request.ts';

const NOW = Date.parse('2026-11-21T07:18:54Z');
const credentials: SessionCredentials = {
  instance: 'aws-router-a',
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'secret',
  sessionToken: 'token',
  expiresAt: NOW + 3_600_000,
};

interface Signing {
  readonly body?: string;
  readonly date?: string;
  readonly region?: string;
  readonly secret?: string;
  readonly token?: string;
  readonly signed?: readonly string[];
}

/** Written from the specification, apart from the verifier. */
function sign(how: Signing = {}): WireRequest {
  const { body = 'Action=DescribeNetworkInterfaces', date = '20261121T071854Z', region = 'eu-west-1' } = how;
  const { secret = 'secret', token = 'token', signed = ['host', 'x-amz-date', 'x-amz-security-token'] } = how;
  const headers = new Map([
    ['host', 'ec2.eu-west-1.amazonaws.com'],
    ['x-amz-date', date],
    ['x-amz-security-token', token],
  ]);
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const canonicalHeaders = signed.map((name) => `${name}:${headers.get(name)}\n`).join('');
  const canonical = `POST\n/\n\n${canonicalHeaders}\n${signed.join(';')}\n${sha256(body)}`;
  const scope = `${date.slice(0, 8)}/${region}/ec2/aws4_request`;
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, date.slice(0, 8)), region), 'ec2'), 'aws4_request');
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/${scope}, SignedHeaders=${signed.join(';')}, Signature=${signature}`;
  return wireRequest({ body, headers: { ...Object.fromEntries(headers), authorization } });
}

const codeOf = (request: WireRequest, now = NOW): string => {
  const find = (id: string): SessionCredentials | undefined =>
    id === credentials.accessKeyId ? credentials : undefined;
  const result = verifySignature(request, { region: 'eu-west-1', now, find });
  return result.ok ? result.value.instance : result.error.code;
};

describe('a signature of version 4', () => {
  test('is accepted from whom it was issued to', () => {
    expect(codeOf(sign())).toBe('aws-router-a');
  });

  test('is good for up to five minutes either way, and for its credentials’ lifetime', () => {
    expect(codeOf(sign(), NOW + 300_000)).toBe('aws-router-a');
    expect(codeOf(sign(), NOW - 300_000)).toBe('aws-router-a');
    expect(codeOf(sign(), NOW + 301_000)).toBe('RequestExpired');
    expect(codeOf(sign(), NOW - 301_000)).toBe('RequestExpired');
    expect(codeOf(sign({ date: '20261121T081855Z' }), NOW + 3_601_000)).toBe('RequestExpired');
  });

  test('is not accepted over another body, by another secret, or with another token', () => {
    expect(codeOf({ ...sign(), body: 'Action=AssignPrivateIpAddresses' })).toBe('SignatureDoesNotMatch');
    expect(codeOf(sign({ secret: 'guess' }))).toBe('SignatureDoesNotMatch');
    expect(codeOf(sign({ token: 'another' }))).toBe('AuthFailure');
  });

  test('has to cover the host and every Amazon header, and to be for this region', () => {
    expect(codeOf(sign({ signed: ['x-amz-date', 'x-amz-security-token'] }))).toBe('SignatureDoesNotMatch');
    expect(codeOf(sign({ signed: ['host', 'x-amz-date'] }))).toBe('SignatureDoesNotMatch');
    expect(codeOf(sign({ region: 'us-east-1' }))).toBe('SignatureDoesNotMatch');
  });

  test('is missed, and told from one that is malformed or unknown', () => {
    const request = sign();
    const without = (name: string): WireRequest => ({ ...request, headers: { ...request.headers, [name]: undefined } });
    expect(codeOf(without('authorization'))).toBe('MissingAuthenticationToken');
    expect(codeOf({ ...request, headers: { ...request.headers, authorization: 'Basic x' } })).toBe(
      'IncompleteSignature',
    );
    expect(codeOf(without('x-amz-date'))).toBe('IncompleteSignature');
    const authorization = `${request.headers.authorization}`.replace('ASIAEXAMPLE', 'ASIAOTHER');
    expect(codeOf({ ...request, headers: { ...request.headers, authorization } })).toBe('AuthFailure');
  });
});
