import type { ChannelMessage, Mail } from 'statewright';

/** Writes the mails of the reference application. Every value that a person gave is escaped in the HTML. */
export function mailsIn(currency: string): (message: ChannelMessage) => Mail {
  return ({ template, data }) => {
    const write = Object.hasOwn(templates, template) ? templates[template] : undefined;
    if (write === undefined) throw new Error(`there is no template ${template}`);
    const { subject, paragraphs, link } = write(data, moneyIn(currency));
    return {
      subject,
      text: [...paragraphs, ...(link === undefined ? [] : [`${link.label}: ${link.url}`])].join('\n\n'),
      html: page(subject, paragraphs, link),
    };
  };
}

interface Letter {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  readonly link?: { readonly label: string; readonly url: string };
}

type Data = ChannelMessage['data'];
type Money = (minor: number) => string;

const templates: Readonly<Record<string, (data: Data, money: Money) => Letter>> = {
  welcome: (data) => ({
    subject: 'Welcome! Please verify your email',
    paragraphs: [`Hello ${text(data.firstName)},`, 'please tell us that this address is yours.'],
    link: { label: 'Verify your email', url: text(data.verificationUrl) },
  }),
  'email-verified': (data) => ({
    subject: 'Your email is verified',
    paragraphs: ['Thank you, your email is verified.'],
    link: { label: 'Your dashboard', url: text(data.dashboardUrl) },
  }),
  'order-confirmation': (data, money) => ({
    subject: `Your order ${text(data.orderNumber)}`,
    paragraphs: [
      `Thank you for your order ${text(data.orderNumber)}.`,
      ...items(data.items).map(({ name, quantity, unitPrice }) => `${quantity} × ${name} at ${money(unitPrice)}`),
      `Total: ${money(Number(data.total))}`,
    ],
    link: { label: 'Follow your order', url: text(data.trackingUrl) },
  }),
  'order-shipped': (data) => ({
    subject: `Your order ${text(data.orderNumber)} is on its way`,
    paragraphs: [
      `Your order ${text(data.orderNumber)} was shipped with the tracking number ${text(data.trackingNumber)}.`,
      `It is expected ${text(data.estimatedDelivery)}.`,
    ],
    link: { label: 'Track the parcel', url: text(data.trackingUrl) },
  }),
};

interface Item {
  readonly name: string;
  readonly quantity: number;
  readonly unitPrice: number;
}

/** The data is what the notification requested: an event's own, checked when it was appended. */
const items = (value: unknown) => value as readonly Item[];
const text = (value: unknown) => String(value);

/** Exact: the formatter takes the decimal as text, and nothing is divided. */
function moneyIn(currency: string): Money {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return (minor) => format.format(`${minor}E-${digits}` as `${number}`);
}

function page(title: string, paragraphs: readonly string[], link: Letter['link']): string {
  const body = paragraphs.map((paragraph) => `<p>${escaped(paragraph)}</p>`);
  if (link !== undefined) body.push(`<p><a href="${escaped(link.url)}">${escaped(link.label)}</a></p>`);
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>\n<body>${body.join('\n')}</body></html>\n`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (plain: string) => plain.replace(/[&<>"']/g, (character) => entities[character] ?? '');
