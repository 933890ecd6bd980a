/** The node's seed from its file. */
import { readFile, stat } from 'node:fs/promises';
import { err, ok, type Result } from '@routerd/resources';
import { signerOf } from '../../node-identity.ts';

export interface SeedFileFault {
  readonly code: 'identity.seed-unreadable' | 'identity.seed-exposed' | 'identity.seed-malformed';
  readonly path: string;
  readonly detail: string;
}

/** Refuses a file that others could have read: a seed in it is no proof of who we are. White space around the seed is ignored. */
export async function readSeedFile(path: string): Promise<Result<string, SeedFileFault>> {
  let mode: number;
  let text: string;
  try {
    mode = (await stat(path)).mode & 0o777;
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    return err({ code: 'identity.seed-unreadable', path, detail });
  }
  if ((mode & 0o077) !== 0) {
    const found = mode.toString(8).padStart(4, '0');
    const detail = `The seed file ${path} has mode ${found}, so group or others can use it; make it 0600 and, if in doubt, a new seed.`;
    return err({ code: 'identity.seed-exposed', path, detail });
  }
  const seed = text.trim();
  const signer = signerOf(seed);
  return signer.ok ? ok(seed) : err({ code: 'identity.seed-malformed', path, detail: signer.error.detail });
}
