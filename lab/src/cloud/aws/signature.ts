/** Signature Version 4, the verifying side (IAM User Guide, "Create a signed AWS API request"). Pure. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { err, ok, type Result } from '@routerd/resources';
import { headerOf, type WireRequest } from '../wire.ts';
import type { SessionCredentials } from './credentials.ts';
import type { Ec2Fault } from './query-protocol.ts';

const SKEW_MS_MAX = 5 * 60_000;

export interface SigningContext {
  readonly region: string;
  /** That the request is for; EC2 unless another is said. */
  readonly service?: 'ec2' | 'sqs';
  /** Wall clock, milliseconds. */
  readonly now: number;
  /** Credentials with that access key id, expired ones included. */
  readonly find: (accessKeyId: string) => SessionCredentials | undefined;
}

interface Authorization {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const fault = (status: number, code: string, message: string): Result<never, Ec2Fault> =>
  err({ status, code, message });
const NOT_VALID = 'AWS was not able to validate the provided access credentials';

/** @returns the instance whose credentials signed the request */
export function verifySignature(request: WireRequest, context: SigningContext): Result<SessionCredentials, Ec2Fault> {
  const header = headerOf(request, 'authorization');
  if (header === undefined) {
    return fault(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token');
  }
  const authorization = parseAuthorization(header);
  const date = headerOf(request, 'x-amz-date') ?? '';
  const signedAt = instantOf(date);
  if (authorization === undefined || signedAt === undefined) {
    return fault(400, 'IncompleteSignature', 'The request signature does not conform to AWS standards.');
  }
  const misScoped = scopeFault(authorization, date, context, request);
  if (misScoped !== undefined) return fault(403, 'SignatureDoesNotMatch', misScoped);
  const credentials = context.find(authorization.accessKeyId);
  if (credentials === undefined) return fault(401, 'AuthFailure', NOT_VALID);
  if (!sameText(signatureOf(request, authorization, date, credentials.secretAccessKey), authorization.signature)) {
    const why = 'The request signature we calculated does not match the signature you provided.';
    return fault(403, 'SignatureDoesNotMatch', why);
  }
  if (!sameText(headerOf(request, 'x-amz-security-token') ?? '', credentials.sessionToken)) {
    return fault(401, 'AuthFailure', NOT_VALID);
  }
  if (credentials.expiresAt <= context.now || Math.abs(context.now - signedAt) > SKEW_MS_MAX) {
    return fault(400, 'RequestExpired', 'Request has expired.');
  }
  return ok(credentials);
}

function parseAuthorization(header: string): Authorization | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=(?<key>[^/,\s]+)\/(?<date>\d{8})\/(?<region>[^/]+)\/(?<service>[^/]+)\/aws4_request,\s*SignedHeaders=(?<signed>[^,\s]+),\s*Signature=(?<signature>[0-9a-f]{64})$/.exec(
      header,
    );
  const { key = '', date = '', region = '', service = '', signed = '', signature = '' } = match?.groups ?? {};
  if (match === null) return undefined;
  return { accessKeyId: key, date, region, service, signedHeaders: signed.split(';'), signature };
}

/** `20261121T071854Z`. */
function instantOf(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function scopeFault(
  { date, region, service, signedHeaders }: Authorization,
  requestDate: string,
  { region: ownRegion, service: ownService = 'ec2' }: SigningContext,
  request: WireRequest,
): string | undefined {
  if (date !== requestDate.slice(0, 8))
    return 'Date in Credential scope does not match YYYYMMDD from ISO-8601 version.';
  if (region !== ownRegion) return `Credential should be scoped to a valid region, not '${region}'.`;
  if (service !== ownService) return `Credential should be scoped to correct service: '${ownService}'.`;
  const amazon = Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'));
  const missing = ['host', ...amazon].find((name) => !signedHeaders.includes(name));
  return missing === undefined ? undefined : `'${missing}' must be a 'SignedHeader' in the AWS Authorization.`;
}

function signatureOf(
  request: WireRequest,
  { date, region, service, signedHeaders }: Authorization,
  requestDate: string,
  secret: string,
): string {
  const canonical = [
    request.method,
    request.path,
    canonicalQuery(request.query),
    ...signedHeaders.map((name) => `${name}:${(headerOf(request, name) ?? '').trim().replaceAll(/ +/g, ' ')}`),
    '',
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', requestDate, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<Buffer>(
    (signing, part) => hmac(signing, part),
    Buffer.from(`AWS4${secret}`),
  );
  return hmac(key, text).toString('hex');
}

function canonicalQuery(query: URLSearchParams): string {
  const encode = (text: string): string =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return [...query]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join('&');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** In constant time, whatever the lengths. */
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}
