/** The instance's own identity, by the vendor's provider, with a limit of ours: its metadata calls have none. */
import { generateKeyPairSync } from 'node:crypto';
import {
  InstancePrincipalsAuthenticationDetailsProviderBuilder,
  type AuthenticationDetailsProvider,
  type RegionProvider,
} from 'oci-common';
import keyPairModule from 'oci-common/lib/auth/key-pair.js';
import { identityLimitMs, withinLimit } from '@routerd/plugin-sdk';

/** What the SDK's clients sign with. */
export type InstancePrincipal = AuthenticationDetailsProvider & RegionProvider;

/** Certificates from the metadata service, a key, a token from the federation. */
const USUAL_LIMIT_MS = 10_000;

class IdentityUnavailable extends Error {
  override readonly name = 'IdentityUnavailable';
}

type KeyPair = InstanceType<typeof keyPairModule.default>;

/**
 * The session's key, which the token is bound to. The SDK's own supplier makes one when it is created, and its federation client replaces
 * that one before the first token: making an RSA key takes 0.1 to 0.4 s, so this one waits until it is asked.
 */
class SessionKeys {
  #pair: KeyPair | undefined;

  getKeyPair(): KeyPair {
    return (this.#pair ??= newKeyPair());
  }

  refreshKeys(): void {
    this.#pair = newKeyPair();
  }
}

function newKeyPair(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return new keyPairModule.default(publicKey, privateKey);
}

/** One for all clients of a process: a key of its own for each would take each a token, and time. */
export interface OciIdentity {
  /** Comes with its first token; a failure is forgotten, so that the next one who asks tries again. */
  get(): Promise<InstancePrincipal>;
  /** After a refusal: the SDK uses a token up to its last second, and does not renew it when it is refused. */
  forget(): void;
}

export function createOciIdentity(): OciIdentity {
  let known: Promise<InstancePrincipal> | undefined;
  return {
    async get() {
      const asked = (known ??= instancePrincipal());
      try {
        return await asked;
      } catch (cause) {
        if (known === asked) known = undefined;
        throw cause;
      }
    },
    forget: () => void (known = undefined),
  };
}

/**
 * Comes with its first token. One request for a token at a time: the SDK replaces the key at the beginning of each, so that of two at once
 * one gets a token for a key that is gone.
 */
async function instancePrincipal(): Promise<InstancePrincipal> {
  const limitMs = identityLimitMs(USUAL_LIMIT_MS);
  const late = (): Error => new IdentityUnavailable(`no instance identity within ${limitMs / 1000} s`);
  try {
    return await withinLimit(limitMs, late, async () => {
      const builder = new InstancePrincipalsAuthenticationDetailsProviderBuilder();
      builder.sessionKeySupplier = new SessionKeys();
      const provider = await builder.build();
      let pending: Promise<string> | undefined;
      const getKeyId = async (): Promise<string> => {
        pending ??= provider.getKeyId().finally(() => (pending = undefined));
        return pending;
      };
      await getKeyId(); // before a client is made: that asks for the private key at once
      return {
        getKeyId,
        getPrivateKey: () => provider.getPrivateKey(),
        getPassphrase: () => provider.getPassphrase(),
        getRegion: () => provider.getRegion(),
      };
    });
  } catch (cause) {
    if (cause instanceof IdentityUnavailable) throw cause;
    throw new IdentityUnavailable(`the instance has no identity: ${String(cause)}`, { cause });
  }
}
