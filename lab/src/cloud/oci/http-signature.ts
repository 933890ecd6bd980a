/** OCI's request signatures, the verifying side: draft-cavage-http-signatures-08 with rsa-sha256 (docs, "Request Signatures"). Pure. */
import { createHash, verify, type KeyObject } from 'node:crypto';
import { headerOf, type WireRequest } from '../wire.ts';

const SKEW_MS_MAX = 5 * 60_000;
const WITH_BODY = ['POST', 'PUT', 'PATCH'];
const BODY_HEADERS = ['content-type', 'content-length', 'x-content-sha256'];

export interface HttpSignature {
  readonly keyId: string;
  readonly algorithm: string;
  /** In lower case, in the order they are signed; the SDK lists them in mixed case. */
  readonly headers: readonly string[];
  readonly signature: Buffer;
}

/** `Signature version="1",keyId="…",algorithm="rsa-sha256",headers="date (request-target) host",signature="…"`. */
export function parseSignature(authorization: string | undefined): HttpSignature | undefined {
  if (authorization === undefined || !authorization.startsWith('Signature ')) return undefined;
  const fields = new Map(
    [...authorization.slice('Signature '.length).matchAll(/([a-zA-Z]+)="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  );
  const [keyId, algorithm, headers, signature] = ['keyId', 'algorithm', 'headers', 'signature'].map((name) =>
    fields.get(name),
  );
  if (keyId === undefined || algorithm === undefined || headers === undefined || signature === undefined)
    return undefined;
  const names = headers.split(' ').map((name) => name.toLowerCase());
  return { keyId, algorithm, headers: names, signature: Buffer.from(signature, 'base64') };
}

/**
 * True if what has to be signed is signed by that key, the body is the one that was signed, and the date is at most five minutes off.
 * @param now wall clock, milliseconds
 */
export function isSignedBy(publicKey: KeyObject, request: WireRequest, signed: HttpSignature, now: number): boolean {
  const dateName = signed.headers.includes('x-date') ? 'x-date' : 'date';
  const required = [dateName, '(request-target)', 'host', ...(WITH_BODY.includes(request.method) ? BODY_HEADERS : [])];
  if (signed.algorithm !== 'rsa-sha256' || !required.every((name) => signed.headers.includes(name))) return false;
  const date = Date.parse(headerOf(request, dateName) ?? '');
  if (Number.isNaN(date) || Math.abs(now - date) > SKEW_MS_MAX) return false;
  if (WITH_BODY.includes(request.method) && !isBodyAsSigned(request)) return false;
  return verify('RSA-SHA256', Buffer.from(signingString(request, signed.headers)), publicKey, signed.signature);
}

function isBodyAsSigned(request: WireRequest): boolean {
  const digest = createHash('sha256').update(request.body).digest('base64');
  const length = Buffer.byteLength(request.body);
  return headerOf(request, 'x-content-sha256') === digest && headerOf(request, 'content-length') === `${length}`;
}

function signingString(request: WireRequest, names: readonly string[]): string {
  return names
    .map((name) =>
      name === '(request-target)'
        ? `(request-target): ${request.method.toLowerCase()} ${request.target}`
        : `${name}: ${headerOf(request, name) ?? ''}`,
    )
    .join('\n');
}
