/** system.routerd.net: settings of the kernel. */
import { z } from 'zod';
import * as s from '../scalars.ts';

/** `net.ipv4.ip_forward`; an interface whose name has a dot is written as the kernel does, `net/ipv4/conf/eth0.7/proxy_arp`. */
const key = s.text(/^[a-z0-9_]+([./][A-Za-z0-9_@:-]+)+$/, 'the name of a kernel setting, such as net.ipv4.ip_forward');

export const sysctlSpec = z
  .strictObject({
    key,
    value: s.text(/^[^\n]*\S[^\n]*$/, 'text that is not blank, on one line'),
    expectedValue: s.word.optional().describe('What reading it must give; without it `value`.'),
    compare: z
      .enum(['exact', 'atLeast'])
      .default('exact')
      .describe('`atLeast`: a number that is larger already is left alone.'),
    runtime: z.boolean().default(true).describe('Set it now.'),
    persistent: z
      .boolean()
      .default(false)
      .describe('Keep it for the next boot, in `/etc/sysctl.d/90-routerd-NAME.conf`.'),
    optional: z.boolean().default(false).describe('A kernel that lacks the setting is no error.'),
  })
  .refine(({ runtime, persistent }) => runtime || persistent, {
    path: ['runtime'],
    error: 'is false, and persistent too: the setting would have no effect',
  })
  .refine(
    ({ compare, value, expectedValue }) =>
      compare === 'exact' || [value, expectedValue ?? value].every((number) => /^-?\d{1,15}$/.test(number)),
    { path: ['compare'], error: 'The comparison atLeast needs a value (and expectedValue) that is an integer' },
  )
  .describe('A setting of the kernel. What it was before is restored when the resource is removed.');
