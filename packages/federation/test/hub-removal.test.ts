import { expect, test } from 'vitest';
import { judgeHubRemoval, type HubSurvey } from '../src/enrolment/hub-removal.ts';

const stream = {
  name: 'facts',
  replicas: 3,
  keepers: ['hub-1', 'hub-2', 'hub-3'],
  leader: 'hub-1' as string | undefined,
  isClustered: true,
};
const surveyOf = (change: Partial<typeof stream> = {}): HubSurvey => ({
  silent: [],
  streams: [{ ...stream, ...change }],
});
const alone = { replicas: 1, keepers: ['hub-1'], isClustered: false };

const cases: readonly (readonly [string, readonly string[], HubSurvey, string])[] = [
  ['three others run', ['hub-1', 'hub-2', 'hub-4'], surveyOf(), 'ok'],
  ['one of the others is silent', ['hub-1', 'hub-4'], { ...surveyOf(), silent: ['hub-4: x'] }, 'material.hubs-silent'],
  [
    'no majority of the hubs is there',
    ['hub-1', 'hub-4', 'hub-5'],
    surveyOf({ leader: undefined }),
    'material.no-majority',
  ],
  ['the hubs have no streams', ['hub-1', 'hub-2', 'hub-4'], { silent: [], streams: [] }, 'material.no-majority'],
  ['two would stay of three', ['hub-1', 'hub-2'], surveyOf(), 'material.too-few-hubs'],
  [
    'two would stay, and it holds a stream',
    ['hub-1', 'hub-2'],
    surveyOf({ replicas: 1, keepers: ['hub-3'] }),
    'material.too-few-hubs',
  ],
  ['it was to be the third and never came', ['hub-1', 'hub-2'], surveyOf({ replicas: 1, keepers: ['hub-2'] }), 'ok'],
  ['it was to be the second and never came', ['hub-1'], surveyOf(alone), 'ok'],
  ['one would stay of two', ['hub-1'], surveyOf({ replicas: 1, keepers: ['hub-1'] }), 'material.too-few-hubs'],
];

test.for(cases)('a hub is taken out or kept: %s', ([, stays, survey, expected]) => {
  const judged = judgeHubRemoval('hub-3', stays, survey);
  expect(judged.ok ? 'ok' : judged.error.code).toBe(expected);
});
