/** An array of whole numbers as PostgreSQL reads it; the driver would quote each. */
export const integers = (numbers: readonly number[]): string => `{${numbers.join(',')}}`;

/** An array of texts as PostgreSQL reads it, for any texts; those looked through at once mostly need no escape. */
export function texts(items: readonly string[]): string {
  if (items.length === 0) return '{}';
  const joined = items.join('","');
  // As many quotes as there are joints: none in a text.
  const isPlain = !joined.includes('\\') && joined.split('"').length === 2 * items.length - 1;
  return isPlain ? `{"${joined}"}` : `{${items.map(quotedText).join(',')}}`;
}

const quotedText = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** What stands between two texts of JSON, in which it is always escaped: for `string_to_array`. */
const separator = '\u001e';

/** Texts of JSON side by side, none of which needs a change; `jsonTexts` takes them apart. */
export const joinedJson = (items: readonly string[]): string => items.join(separator);

/** In a statement: the array of what `joinedJson` joined in this parameter. */
export const jsonTexts = (parameter: string): string => `string_to_array(${parameter}, U&'\\001E')`;
