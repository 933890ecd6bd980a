/** The instance's own identity, by the vendor's provider, with a limit of ours: its metadata calls have none. */
import { InstancePrincipalsAuthenticationDetailsProviderBuilder } from 'oci-common';
import { withinLimit } from '@routerd/plugin-sdk';

export type InstancePrincipal = Awaited<ReturnType<InstancePrincipalsAuthenticationDetailsProviderBuilder['build']>>;

/** Certificates from the metadata service; the token comes with the first signed request. */
const BUILD_LIMIT_MS = 10_000;

export class IdentityUnavailable extends Error {
  override readonly name = 'IdentityUnavailable';
}

export async function instancePrincipal(): Promise<InstancePrincipal> {
  const late = (): Error => new IdentityUnavailable(`no instance identity within ${BUILD_LIMIT_MS / 1000} s`);
  try {
    return await withinLimit(BUILD_LIMIT_MS, late, async () =>
      new InstancePrincipalsAuthenticationDetailsProviderBuilder().build(),
    );
  } catch (cause) {
    if (cause instanceof IdentityUnavailable) throw cause;
    throw new IdentityUnavailable(`the instance metadata service gives no identity: ${String(cause)}`, { cause });
  }
}
