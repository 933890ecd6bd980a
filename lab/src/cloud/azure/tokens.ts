/** Access tokens of managed identities: issued by the metadata service, checked by Resource Manager. */
import { generateKeyPair, SignJWT, jwtVerify, errors, type CryptoKey } from 'jose';
import { err, ok, type Result } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { stableUuid } from './stable-uuid.ts';
import { armFault, type ArmFault } from './arm-reply.ts';

const ALGORITHM = 'RS256';
const LIFETIME_SECONDS = 86_400;
/** Resource Manager goes by all of these. */
export const AUDIENCES = [
  'https://management.azure.com',
  'https://management.azure.com/',
  'https://management.core.windows.net',
  'https://management.core.windows.net/',
];

/** Tokens of one service are no good at the other. */
export const SERVICE_BUS_AUDIENCES = ['https://servicebus.azure.net', 'https://servicebus.azure.net/'];

export interface IssuedToken {
  readonly token: string;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly expiresOn: number;
  readonly lifetimeSeconds: number;
}

export class TokenAuthority {
  readonly #clock: Clock;
  readonly #issuer: string;
  readonly #keys: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey };

  private constructor(clock: Clock, issuer: string, keys: { publicKey: CryptoKey; privateKey: CryptoKey }) {
    this.#clock = clock;
    this.#issuer = issuer;
    this.#keys = keys;
  }

  /** Makes a signing key of its own: no token outlives the process. */
  static async create(clock: Clock, subscription: string): Promise<TokenAuthority> {
    const issuer = `https://sts.windows.net/${stableUuid(`tenant ${subscription}`)}/`;
    return new TokenAuthority(clock, issuer, await generateKeyPair(ALGORITHM));
  }

  /** @param machine ARM id of the VM, which is who the token speaks for */
  async issue(machine: string, audience: string): Promise<IssuedToken> {
    const notBefore = Math.floor(this.#clock.now() / 1000);
    const expiresOn = notBefore + LIFETIME_SECONDS;
    const token = await new SignJWT({ oid: stableUuid(`identity ${machine}`), xms_mirid: machine })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(this.#issuer)
      .setAudience(audience)
      .setIssuedAt(notBefore)
      .setNotBefore(notBefore)
      .setExpirationTime(expiresOn)
      .sign(this.#keys.privateKey);
    return { token, notBefore, expiresOn, lifetimeSeconds: LIFETIME_SECONDS };
  }

  /** @returns the ARM id of the VM that the token was issued to */
  async verify(
    authorization: string | undefined,
    audience: readonly string[] = AUDIENCES,
  ): Promise<Result<string, ArmFault>> {
    const [scheme = '', token = ''] = (authorization ?? '').split(' ');
    if (scheme.toLowerCase() !== 'bearer' || token === '') {
      return unauthorized('AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing.");
    }
    try {
      const { payload } = await jwtVerify(token, this.#keys.publicKey, {
        algorithms: [ALGORITHM],
        issuer: this.#issuer,
        audience: [...audience],
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ['exp', 'xms_mirid'],
      });
      return ok(String(payload['xms_mirid']));
    } catch (cause) {
      return refusalOf(cause);
    }
  }
}

function refusalOf(cause: unknown): Result<never, ArmFault> {
  if (cause instanceof errors.JWTExpired) {
    return unauthorized('ExpiredAuthenticationToken', 'The access token expiry is in the past.');
  }
  if (cause instanceof errors.JWTClaimValidationFailed && cause.claim === 'aud') {
    const why = 'The access token has been obtained for wrong audience or resource.';
    return unauthorized('InvalidAuthenticationTokenAudience', why);
  }
  return unauthorized('InvalidAuthenticationToken', 'The access token is invalid.');
}

function unauthorized(code: string, message: string): Result<never, ArmFault> {
  const challenge = `Bearer authorization_uri="https://login.windows.net/", error="invalid_token", error_description="${message}"`;
  return err({ ...armFault(401, code, message), headers: { 'www-authenticate': challenge } });
}
