/** Text as searches compare it: Unicode NFKC, lower case, without accents; so `Café` and `CAFE` are the same. */
export function foldText(text: string): string {
  if (plain.test(text)) return text.toLowerCase();
  return text.normalize('NFKC').toLowerCase().normalize('NFD').replace(accents, '').normalize('NFKC');
}

const plain = /^[ -~]*$/;
/** The combining marks that accents become when decomposed; other scripts' vowel signs are letters, not accents. */
const accents = /[\u0300-\u036f]/g;
