/** The operator's way to the hub, as a file that its programs on the hub's machine read. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const operatorAccess = z.strictObject({
  group: z.string(),
  server: z.string(),
  caFile: z.string(),
  /** NKey seed. Secret: the file is 0600. */
  seed: z.string(),
});
export type OperatorAccess = z.output<typeof operatorAccess>;

export function readOperatorAccess(file: string): OperatorAccess {
  return operatorAccess.parse(JSON.parse(readFileSync(file, 'utf8')));
}
