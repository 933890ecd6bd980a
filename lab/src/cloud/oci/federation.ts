/**
 * `https://auth.<region>.oraclecloud.com/v1/x509`: who shows an instance certificate of this tenancy, and signs with its key, gets a session
 * token that is good for the session key it brings along.
 */
import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { errors, generateKeyPair, jwtVerify, SignJWT, type CryptoKey } from 'jose';
import { z } from 'zod';
import { err, ok, type Result } from '@routerd/resources';
import type { ControlPlane } from '../control-plane.ts';
import { headerOf, type WireRequest } from '../wire.ts';
import { isSignedBy, parseSignature } from './http-signature.ts';
import { NOT_AUTHENTICATED, ociFault, type OciFault } from './oci-reply.ts';

const ALGORITHM = 'RS256';
const ISSUER = 'authService.oracle.com';

/** Certificates and keys are PEM bodies without armour and line breaks. */
const tokenRequest = z.strictObject({
  certificate: z.string(),
  publicKey: z.string(),
  intermediateCertificates: z.array(z.string()).default([]),
  purpose: z.literal('DEFAULT'),
  fingerprintAlgorithm: z.string().optional(),
});

/** Who a session token speaks for, and whose signatures count as theirs. */
export interface Session {
  readonly instanceId: string;
  readonly sessionKey: KeyObject;
}

export class FederationService {
  readonly #plane: ControlPlane;
  readonly #root: X509Certificate;
  readonly #keys: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey };

  private constructor(
    plane: ControlPlane,
    root: X509Certificate,
    keys: { publicKey: CryptoKey; privateKey: CryptoKey },
  ) {
    this.#plane = plane;
    this.#root = root;
    this.#keys = keys;
  }

  static async create(plane: ControlPlane, root: X509Certificate): Promise<FederationService> {
    return new FederationService(plane, root, await generateKeyPair(ALGORITHM));
  }

  /** @returns the instance that the request proves to come from, with what it asks for */
  authenticate(request: WireRequest): Result<Session, OciFault> {
    let asked: z.output<typeof tokenRequest>;
    let leaf: X509Certificate;
    let intermediates: readonly X509Certificate[];
    let sessionKey: KeyObject;
    try {
      asked = tokenRequest.parse(JSON.parse(request.body));
      leaf = certificateOf(asked.certificate);
      intermediates = asked.intermediateCertificates.map(certificateOf);
      sessionKey = createPublicKey({ key: Buffer.from(asked.publicKey, 'base64'), format: 'der', type: 'spki' });
    } catch {
      return err(ociFault(400, 'InvalidParameter', 'The request is no request for a security token.'));
    }
    const signed = parseSignature(headerOf(request, 'authorization'));
    const tenancy = subjectField(leaf, 'opc-tenant');
    const instanceId = subjectField(leaf, 'opc-instance');
    const keyId = `${tenancy}/fed-x509/${leaf.fingerprint.toLowerCase()}`;
    const now = this.#plane.clock.now();
    const proven =
      tenancy === this.#plane.config.account &&
      instanceId !== undefined &&
      signed?.keyId === keyId &&
      this.#isTrusted(leaf, intermediates, now) &&
      isSignedBy(leaf.publicKey, request, signed, now);
    return proven ? ok({ instanceId, sessionKey }) : err(NOT_AUTHENTICATED);
  }

  #isTrusted(leaf: X509Certificate, intermediates: readonly X509Certificate[], now: number): boolean {
    const isValid = (certificate: X509Certificate): boolean =>
      Date.parse(certificate.validFrom) <= now && now < Date.parse(certificate.validTo);
    const issues = (issuer: X509Certificate, subject: X509Certificate): boolean =>
      issuer.ca && isValid(issuer) && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
    const chained = intermediates.some((each) => issues(each, leaf) && issues(this.#root, each));
    return isValid(leaf) && !leaf.ca && (chained || issues(this.#root, leaf));
  }

  async issueToken({ instanceId, sessionKey }: Session): Promise<string> {
    const { config, clock, knobs } = this.#plane;
    const now = Math.floor(clock.now() / 1000);
    const claims = {
      ptype: 'instance',
      'opc-tenant': config.account,
      'opc-compartment': config.scope,
      'opc-instance': instanceId,
      jwk: JSON.stringify({ ...sessionKey.export({ format: 'jwk' }), alg: ALGORITHM, use: 'sig', kid: 'session' }),
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, kid: 'asw' })
      .setIssuer(ISSUER)
      .setSubject(instanceId)
      .setIssuedAt(now)
      .setExpirationTime(now + Math.ceil(knobs.tokenLifetimeMs / 1000))
      .sign(this.#keys.privateKey);
  }

  /** @returns `undefined` for a token that is not ours, or has expired */
  async verifyToken(token: string): Promise<Session | undefined> {
    try {
      const currentDate = new Date(this.#plane.clock.now());
      const options = { algorithms: [ALGORITHM], issuer: ISSUER, requiredClaims: ['exp', 'jwk'], currentDate };
      const { payload } = await jwtVerify(token, this.#keys.publicKey, options);
      const jwk = z.looseObject({ kty: z.literal('RSA') }).parse(JSON.parse(String(payload['jwk'])));
      return { instanceId: payload.sub ?? '', sessionKey: createPublicKey({ key: jwk, format: 'jwk' }) };
    } catch (cause) {
      if (cause instanceof errors.JOSEError) return undefined;
      throw cause;
    }
  }
}

function certificateOf(base64: string): X509Certificate {
  return new X509Certificate(Buffer.from(base64, 'base64'));
}

/** The subject has one line for each component: `OU=opc-instance:ocid1.instance…`. */
function subjectField(certificate: X509Certificate, name: string): string | undefined {
  const line = certificate.subject.split('\n').find((each) => each.includes(`=${name}:`));
  return line?.slice(line.indexOf(`${name}:`) + name.length + 1);
}
