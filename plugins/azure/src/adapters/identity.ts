/**
 * The VM's managed identity, by the vendor's credential, with limits of ours: against a metadata service that swallows packets the
 * credential hangs for minutes.
 */
import http from 'node:http';
import { ManagedIdentityCredential } from '@azure/identity';
import { identityLimitMs } from '@routerd/plugin-sdk';
import { ArmError } from '../classify.ts';

const METADATA = {
  host: '169.254.169.254',
  port: 80,
  path: '/metadata/instance/compute?api-version=2021-02-01',
} as const;
const PROBE_LIMIT_MS = 1500;
const USUAL_LIMIT_MS = 10_000;

type Credential = Pick<ManagedIdentityCredential, 'getToken'>;

export function managedIdentity(): Credential {
  const credential = new ManagedIdentityCredential();
  const limitMs = identityLimitMs(USUAL_LIMIT_MS);
  let isProbed = false;
  return {
    async getToken(scopes, options) {
      if (!isProbed) await probe();
      isProbed = true;
      const abortSignal = AbortSignal.timeout(limitMs);
      try {
        return await credential.getToken(scopes, { ...options, abortSignal });
      } catch (cause) {
        if (abortSignal.aborted) throw unavailable(`no token within ${limitMs / 1000} s`);
        throw cause;
      }
    },
  };
}

/** Resolves when the metadata service answers, whatever it answers. */
async function probe(): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const request = http.get({ ...METADATA, headers: { Metadata: 'true' }, timeout: PROBE_LIMIT_MS }, (response) => {
      response.resume();
      resolve();
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${PROBE_LIMIT_MS / 1000} s`)));
    request.on('error', (error) => reject(unavailable(error.message)));
  });
}

function unavailable(detail: string): ArmError {
  const message = `the instance metadata service at ${METADATA.host} gives no identity: ${detail}`;
  return new ArmError({
    code: 'IdentityUnavailable',
    message,
    httpStatus: undefined,
    requestId: undefined,
    retryAfterMs: undefined,
  });
}
