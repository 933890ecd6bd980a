/** GET /v1/doctor: all checks, on what is in effect now. */
import { examine } from '../doctor/examine.ts';
import { DOCTOR_AREAS } from '../doctor/catalogue.ts';
import { gatherFacts, type GatherPorts } from '../doctor/gather.ts';
import type { HostReader } from '../doctor/adapters/read-host.ts';
import { meantName } from './address-text.ts';
import type { ApiAnswer, Route } from './http-server.ts';

export interface DoctorRoutesOptions extends Pick<GatherPorts, 'node' | 'peers'> {
  readonly reader: HostReader;
  readonly now: () => GatherPorts['now'];
}

export function doctorRoutes(options: DoctorRoutesOptions): readonly Route[] {
  return [{ method: 'GET', pattern: '/v1/doctor', handle: async ({ query }) => answer(options, query) }];
}

async function answer({ reader, now, ...ports }: DoctorRoutesOptions, query: URLSearchParams): Promise<ApiAnswer> {
  const text = query.get('area');
  const areas = DOCTOR_AREAS.filter((area) => text === null || area === text);
  if (areas.length === 0)
    return {
      status: 400,
      fault: {
        code: 'doctor.unknown-area',
        message: `"${text ?? ''}" is no area of doctor.`,
        remedy: `${meantName(text ?? '', DOCTOR_AREAS)}One of ${DOCTOR_AREAS.join(', ')}.`,
      },
    };
  // Probes take seconds, and only two areas look at the host.
  const looks = query.get('host') !== 'false' && areas.some((area) => area === 'hybrid' || area === 'plugin');
  const facts = await gatherFacts({ ...ports, reader: looks ? reader : undefined, now: now() });
  return { status: 200, body: examine(facts, areas) };
}
