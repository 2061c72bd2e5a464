import type { Letter, Words } from '../contracts/letter.js'

/** What a letter says. Nothing of it comes from the user: who registers with a stranger's address would choose what the stranger reads. */
interface Draft {
  readonly subject: string
  readonly before: string
  /** What the link is called. */
  readonly action?: string
  readonly after: string
}

/**
 * The words of a letter, unless the application has its own: English, as text and as HTML.
 *
 * @param appName what the application calls itself: plain text
 */
export function wordsFor (letter: Letter, appName: string): Words & { readonly html: string } {
  const { subject, before, action, after } = draft(letter, appName)
  if (!('link' in letter)) return { subject, text: asText([before, after]), html: asHtml(subject, [paragraph(before), paragraph(after)]) }

  const good = `The link is good for ${duration(letter.lifetimeSeconds)}.`
  return {
    subject,
    text: asText([before, letter.link, good, after]),
    html: asHtml(subject, [paragraph(before), button(letter.link, `${action}`), paragraph('Or copy this address into your browser:'), address(letter.link), paragraph(good), paragraph(after)])
  }
}

function draft ({ kind }: Letter, app: string): Draft {
  switch (kind) {
    case 'verify-address': return {
      subject: `Verify your e-mail address for ${app}`,
      before: `Somebody, most likely you, gave this e-mail address to ${app}. Please open the link below to show that it is yours.`,
      action: 'Verify my address',
      after: 'If it was not you, ignore this mail: the address stays unverified.'
    }
    case 'reset-password': return {
      subject: `Reset your password for ${app}`,
      before: `Somebody, most likely you, has forgotten the password of your account at ${app}. Open the link below to choose a new one.`,
      action: 'Choose a new password',
      after: 'If it was not you, ignore this mail: your password stays as it is.'
    }
    case 'set-password': return {
      subject: `Choose a password for ${app}`,
      before: `An administrator has made an account for you at ${app}. Open the link below to choose a password, and then log in.`,
      action: 'Choose a password',
      after: 'If you did not expect this, ignore this mail: nobody can log in to the account without a password.'
    }
    case 'confirm-email-change': return {
      subject: `Confirm your new e-mail address for ${app}`,
      before: `Somebody, most likely you, wants to use this e-mail address for their account at ${app}. Open the link below to confirm the change.`,
      action: 'Use this address',
      after: 'If it was not you, ignore this mail: nothing changes.'
    }
    case 'password-changed': return {
      subject: `Your password for ${app} was changed`,
      before: `The password of your account at ${app} was changed just now. Wherever you were logged in before, you may have to log in again.`,
      after: 'If it was not you, somebody else may have got into your account: reset your password at once, by "forgot password" on the login page.'
    }
    case 'email-changed': return {
      subject: `Your e-mail address for ${app} was changed`,
      before: `Your account at ${app} has another e-mail address now. Mails about it no longer come to this one.`,
      after: `If it was not you, somebody else may have got into your account: tell the people of ${app} at once.`
    }
    case 'registration-attempt': return {
      subject: `You already have an account at ${app}`,
      before: `Somebody, most likely you, tried to register at ${app} with this e-mail address. You have an account already, so nothing was changed: just log in. If you have forgotten your password, choose "forgot password" on the login page.`,
      after: 'If it was not you, there is nothing to do: whoever it was has learned nothing about your account.'
    }
  }
}

/** A time as people say it, rather too short than too long. */
function duration (seconds: number): string {
  const [length, name] = unitOf(seconds)
  const count = Math.floor(seconds / length)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

function unitOf (seconds: number): [number, string] {
  if (seconds >= 48 * 3600) return [24 * 3600, 'day']
  return seconds >= 2 * 3600 || seconds === 3600 ? [3600, 'hour'] : [60, 'minute']
}

function asText (paragraphs: readonly string[]): string {
  return `${['Hello,', ...paragraphs].join('\n\n')}\n`
}

/** No colours but the button's, so that the reader's own, dark or light, remain. */
function asHtml (subject: string, blocks: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(subject)}</title>
</head>
<body style="margin: 0; padding: 24px 16px; font: 16px/1.5 sans-serif">
<div lang="en" style="max-width: 560px; margin: 0 auto">
${[paragraph('Hello,'), ...blocks].join('\n')}
</div>
</body>
</html>
`
}

function paragraph (text: string): string {
  return `<p style="margin: 0 0 16px">${escape(text)}</p>`
}

function button (link: string, action: string): string {
  return `<p style="margin: 24px 0"><a href="${escape(link)}" style="display: inline-block; padding: 12px 20px; border-radius: 6px; background-color: #1d4ed8; color: #ffffff; font-weight: bold; text-decoration: none">${escape(action)}</a></p>`
}

function address (link: string): string {
  return `<p style="margin: 0 0 16px; font-size: 14px; overflow-wrap: anywhere; word-break: break-all">${escape(link)}</p>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escape (text: string): string {
  return text.replace(/[&<>"']/g, (character) => `${entities[character]}`)
}
