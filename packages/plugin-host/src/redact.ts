/**
 * Takes secrets out of text that plugins write. Pure, and linear in the length of the text: who writes it may mean harm, and the
 * daemon has one thread. So a pattern begins only where a word begins, and looks at each letter a bounded number of times.
 */

const REDACTED = '[redacted]';

/** Words in key names whose value is never shown, in any spelling: `private_key`, `privateKey`. docs/reference/plugin-protocol.md lists them. */
const KEYS =
  'secret|password|passphrase|private[_-]?key|pre[_-]?shared[_-]?key|psk|token|credential|auth[_-]?key|access[_-]?key|signature|\\bsig\\b';
/** Up to three backslashes: JSON that stands in JSON. */
const QUOTE = String.raw`\\{0,3}["']`;
const VALUE = String.raw`\\{1,3}"[^"]*"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;}]+`;
const ASSIGNMENT = new RegExp(
  String.raw`(?:(${QUOTE})|(?<![\w.-]))(?=[\w.-]*?(?:${KEYS}))([\w.-]+)\1(\s*[:=]\s*)(${VALUE})`,
  'gi',
);
/** `ExpiredToken: The token …` is a provider's error code and a sentence, not a key and its value. */
const ERROR_CODE = /^[A-Z][a-z]+[A-Z]/;
const SECRET_LIKE = /^["']|^(?=.*\d)[\w+/=.-]{16,}$/;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[\w~+/.=-]{8,}/gi, `$1 ${REDACTED}`],
  [/:\/\/[^\s/:@]+:[^\s/@]+@/g, `://${REDACTED}@`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // What is left of a PEM block when its lines come one by one.
  [/^[A-Za-z0-9+/]{60,}={0,2}$/gm, REDACTED],
];

const SECRET_KEY = new RegExp(KEYS, 'i');

/** That are kept; a batch of 256 addresses has two or three of each. */
const VALUES_MAX = 1024;

/** Values that a plugin observed: all of what stands under a secret key, and what looks like a secret in any other. */
export function redactValues(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const shown = (key: string, value: string): string => (SECRET_KEY.test(key) ? REDACTED : shownMessage(value));
  const kept = Object.entries(values).slice(0, VALUES_MAX);
  return Object.fromEntries(kept.map(([key, value]) => [shownMessage(key), shown(key.slice(0, 1000), value)]));
}

/** Of one message; docs/reference/plugin-protocol.md. Characters. */
const MESSAGE_CHARACTERS_MAX = 2000;
/** What is looked at for it: a secret that begins in the message and is longer than this would be a strange one. */
const WINDOW_CHARACTERS = 16_384;

/** A message as it is kept and shown: without secrets, and no longer than the protocol lets it be. */
export function shownMessage(text: string): string {
  const shown = redact(text.slice(0, WINDOW_CHARACTERS));
  return shown.length <= MESSAGE_CHARACTERS_MAX ? shown : `${shown.slice(0, MESSAGE_CHARACTERS_MAX - 1)}…`;
}

export function redact(text: string): string {
  const shown = PATTERNS.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text).replaceAll(
    /[\w.-]{8,}/g,
    withoutWebToken,
  );
  return shown.replace(
    ASSIGNMENT,
    (whole: string, quoted: string | undefined, key: string, separator: string, value: string) => {
      const quote = quoted ?? '';
      const isSentence = quote === '' && separator.includes(':') && ERROR_CODE.test(key) && !SECRET_LIKE.test(value);
      return isSentence ? whole : `${quote}${key}${quote}${separator}${REDACTED}`;
    },
  );
}

/** A JSON Web Token, wherever it begins in a word: three parts, the first a JSON object in base64. */
function withoutWebToken(word: string): string {
  const start = word.search(/\beyJ/);
  if (start < 0) return word;
  const dots = word.slice(start).split('.', 3).length - 1;
  return dots < 2 ? word : `${word.slice(0, start)}${REDACTED}`;
}
