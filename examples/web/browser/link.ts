import { find, say } from './dom.js'

/** The token of a mailed link. It stands behind the #, so no server, log or `Referer` sees it before it is sent in a body. */
export function takeToken (form: HTMLFormElement): string {
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? ''
  // Out of the address bar, and out of the history.
  history.replaceState(null, '', location.pathname)
  // The next link, opened on the page that is here already, loads nothing by itself.
  addEventListener('hashchange', () => { location.reload() })

  if (token === '') {
    say(find('.message', form), 'Open the link from your mail.', '')
    find('button:not([type])', form).hidden = true
  }
  return token
}
