// Limits and retention as the command line says them: `--limit eventBytesMax=65536`, `--retention 'room:*=1h,10000,64MB'`.
import { defaultLimits, type Limits, type RetentionRule } from '@godwit/core/protocol';
import { isChannelPattern } from './channel-pattern.ts';
import { invalid } from './key-file.ts';

const msPer: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const bytesPer: Readonly<Record<string, number>> = { KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/**
 * Reads `name=number` for the limits of PROTOCOL.md, rule 10.
 *
 * @throws Failure `InvalidOptions`
 */
export function readLimits(texts: readonly string[]): Partial<Limits> {
  const entries = texts.map((text) => {
    const [, name = '', number = ''] = /^(\w+)=(\d{1,15})$/.exec(text) ?? [];
    if (Object.hasOwn(defaultLimits, name) && Number(number) > 0) return [name, Number(number)];
    throw invalid(`--limit is NAME=NUMBER, a number above 0, of ${Object.keys(defaultLimits).join(', ')}; got ${text}`);
  });
  return Object.fromEntries(entries) as Partial<Limits>;
}

/**
 * Reads `PATTERN=BOUND,…`: a bound is an age (30s, 15m, 1h, 7d), a number of events, or a size (KB, MB, GB).
 *
 * @throws Failure `InvalidOptions`
 */
export function readRetention(texts: readonly string[]): readonly RetentionRule[] {
  return texts.map((text) => {
    const [, channels = '', bounds = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    const rule = bounds.split(',').map(boundOf);
    const names = rule.map(([name]) => name);
    if (isChannelPattern(channels) && names.every((name, at) => name !== '' && names.indexOf(name) === at)) {
      return { channels, ...Object.fromEntries(rule) };
    }
    throw invalid(
      `--retention is PATTERN=BOUNDS, up to one each of an age (30s, 15m, 1h, 7d), a number of events and a size (KB, MB, GB), as 'room:*=1h,10000,64MB'; got ${text}`,
    );
  });
}

function boundOf(text: string): readonly [keyof RetentionRule | '', number] {
  const [, digits = '', unit = ''] = /^(\d{1,12})([smhd]|[KMG]B)?$/.exec(text) ?? [];
  const number = Number(digits);
  if (number === 0) return ['', 0];
  if (unit === '') return ['retentionEvents', number];
  const [ms, bytes] = [msPer[unit], bytesPer[unit]];
  return ms === undefined ? ['retentionBytes', number * (bytes ?? 0)] : ['retentionMs', number * ms];
}
