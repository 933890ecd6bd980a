/** Who signed a request of one of OCI's services: a session key that the federation gave a token to. */
import type { ControlPlane } from '../control-plane.ts';
import { headerOf, type WireRequest } from '../wire.ts';
import type { FederationService } from './federation.ts';
import { isSignedBy, parseSignature } from './http-signature.ts';

export class RequestSigners {
  readonly #plane: ControlPlane;
  readonly #federation: FederationService;

  constructor(plane: ControlPlane, federation: FederationService) {
    this.#plane = plane;
    this.#federation = federation;
  }

  /** @returns name of the instance whose session key signed it */
  async nameOf(request: WireRequest): Promise<string | undefined> {
    const signed = parseSignature(headerOf(request, 'authorization'));
    if (signed?.keyId.startsWith('ST$') !== true) return undefined;
    const session = await this.#federation.verifyToken(signed.keyId.slice('ST$'.length));
    if (session === undefined) return undefined;
    const proven = isSignedBy(session.sessionKey, request, signed, this.#plane.clock.now());
    return proven ? this.routerOf(session.instanceId) : undefined;
  }

  /** @returns `undefined` for an instance that has no identity to use */
  routerOf(instanceId: string): string | undefined {
    const nics = [...this.#plane.space.nics.values()];
    return nics.find((nic) => nic.instanceId === instanceId && nic.permissions === 'router')?.name;
  }
}
