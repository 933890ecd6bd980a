import { createHash, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isSignedBy, parseSignature } from '../../src/cloud/oci/http-signature.ts';
import type { WireRequest } from '../../src/cloud/wire.ts';
import { wireRequest } from './wire-request.ts';

const NOW = Date.parse('2026-11-21T07:18:54Z');
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const others = generateKeyPairSync('rsa', { modulusLength: 2048 });

interface Signing {
  readonly method?: string;
  readonly names?: readonly string[];
  readonly body?: string;
  readonly date?: string;
}

const READ = ['x-date', '(request-target)', 'host'];
const WRITE = [...READ, 'Content-Type', 'Content-Length', 'x-content-sha256'];

/** Written from the specification, apart from the verifier; names in mixed case, as the SDK lists them. */
function sign(how: Signing = {}): WireRequest {
  const { method = 'POST', body = '{"vnicId":"v"}', date = 'Sat, 21 Nov 2026 07:18:54 GMT' } = how;
  const names = how.names ?? (method === 'GET' ? READ : WRITE);
  const target = '/20160918/privateIps?limit=1';
  const headers: Record<string, string> = {
    'x-date': date,
    host: 'iaas.eu-frankfurt-1.oraclecloud.com',
    'content-type': 'application/json',
    'content-length': `${body.length}`,
    'x-content-sha256': createHash('sha256').update(body).digest('base64'),
  };
  const text = names
    .map((name) => {
      const lower = name.toLowerCase();
      return `${lower}: ${lower === '(request-target)' ? `${method.toLowerCase()} ${target}` : headers[lower]}`;
    })
    .join('\n');
  const signature = signBytes('RSA-SHA256', Buffer.from(text), keys.privateKey).toString('base64');
  const authorization = `Signature version="1",keyId="ST$token",algorithm="rsa-sha256",headers="${names.join(' ')}",signature="${signature}"`;
  return wireRequest({ method, target, body, headers: { ...headers, authorization } });
}

function isGood(request: WireRequest, { publicKey = keys.publicKey, now = NOW } = {}): boolean {
  const signed = parseSignature(request.headers.authorization);
  return signed !== undefined && isSignedBy(publicKey, request, signed, now);
}

describe('a request signature', () => {
  test('is good for what was signed, by that key, for five minutes', () => {
    expect(isGood(sign())).toBe(true);
    expect(isGood(sign({ method: 'GET' }))).toBe(true);
    expect(isGood(sign(), { publicKey: others.publicKey })).toBe(false);
    expect(isGood(sign(), { now: NOW + 300_000 })).toBe(true);
    expect(isGood(sign(), { now: NOW + 300_001 })).toBe(false);
    expect(isGood(sign({ date: 'nonsense' }))).toBe(false);
  });

  test('does not pass with another body, target or method', () => {
    const request = sign();
    expect(isGood({ ...request, body: '{"vnicId":"w"}' })).toBe(false);
    expect(isGood({ ...request, target: '/20160918/privateIps?limit=2' })).toBe(false);
    expect(isGood({ ...request, method: 'PUT' })).toBe(false);
  });

  test('has to cover date, target and host, and with a body the body', () => {
    for (const name of READ)
      expect(isGood(sign({ method: 'GET', names: READ.filter((each) => each !== name) }))).toBe(false);
    for (const name of WRITE) expect(isGood(sign({ names: WRITE.filter((each) => each !== name) }))).toBe(false);
    expect(isGood(sign({ names: READ }))).toBe(false);
  });

  test('is not found in what is none', () => {
    expect(parseSignature(undefined)).toBeUndefined();
    expect(parseSignature('Bearer x')).toBeUndefined();
    expect(parseSignature('Signature version="1",keyId="ST$token"')).toBeUndefined();
  });
});
