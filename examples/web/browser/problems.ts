// What users are told. The codes are those of docs/errors.md; whoever adds one there adds it here.

export interface Problem {
  readonly text: string
  /** The name of the form field that is to be mended. */
  readonly field?: string
}

const problems: Record<string, Problem> = {
  UNAUTHORIZED: { text: 'You are not logged in any more.' },
  FORBIDDEN: { text: 'Only superusers may do this.' },
  USER_NOT_VERIFIED: { text: 'Verify your address first: open the link that we have mailed you.' },
  REAUTHENTICATION_REQUIRED: { text: 'For this we need your password once more.' },
  CROSS_SITE_REQUEST: { text: 'Your browser says that another site has asked for this. Reload the page, and try again.' },
  AMBIGUOUS_CREDENTIALS: { text: 'Your browser sends two cookies where there should be one. Delete the cookies of this site, and log in again.' },

  LOGIN_BAD_CREDENTIALS: { text: 'The address or the password is wrong.' },
  LOGIN_USER_NOT_VERIFIED: { text: 'Verify your address first: open the link that we have mailed you.' },

  REGISTER_USER_ALREADY_EXISTS: { text: 'There is an account with this address. Log in, or choose a new password.', field: 'email' },
  REGISTER_INVALID_PASSWORD: { text: 'Choose another password.', field: 'password' },
  REGISTER_REFUSED: { text: 'You cannot sign up here.' },
  FST_USERS_INVALID_USER: { text: 'This cannot be saved as it is.' },

  VERIFY_USER_BAD_TOKEN: { text: 'This link is no good any more. Ask for another one in your account.' },
  VERIFY_USER_ALREADY_VERIFIED: { text: 'Your address is verified.' },
  RESET_PASSWORD_BAD_TOKEN: { text: 'This link is no good any more. Ask for another one.' },
  RESET_PASSWORD_INVALID_PASSWORD: { text: 'Choose another password.', field: 'password' },
  CHANGE_EMAIL_BAD_TOKEN: { text: 'This link is no good any more. Ask for another one in your account.' },

  USER_BAD_CURRENT_PASSWORD: { text: 'This is not your password.', field: 'currentPassword' },
  UPDATE_USER_EMAIL_ALREADY_EXISTS: { text: 'Somebody else has this address.', field: 'email' },
  UPDATE_USER_INVALID_PASSWORD: { text: 'Choose another password.', field: 'password' },
  USER_NOT_FOUND: { text: 'This user is gone.' },
  SESSION_NOT_FOUND: { text: 'This session has ended already.' },
  LAST_SUPERUSER: { text: 'This is the last superuser. Without them nobody could look after the users.' },
  FST_USERS_CONFLICT: { text: 'Somebody else has just changed this. Try again.' },

  // What the page or the browser has sent is not what it should be. Users can do little about that.
  FST_ERR_VALIDATION: { text: 'Something is missing, too long, or not what it should be.' },
  FST_ERR_CTP_BODY_TOO_LARGE: { text: 'This is too long.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { text: 'We could not read what your browser sent.' },
  FST_ERR_CTP_EMPTY_JSON_BODY: { text: 'We could not read what your browser sent.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { text: 'We could not read what your browser sent.' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { text: 'We could not read what your browser sent.' },
  FST_USERS_BAD_FORM: { text: 'We could not read what your browser sent.' },
  FST_USERS_BAD_CHARSET: { text: 'We could not read what your browser sent.' },
  FST_USERS_INTERNAL: { text: 'Something went wrong, and it was us. Try again later.' },

  OFFLINE: { text: 'We cannot reach the server. Are you online?' }
}

/** What can be tried again, and when. */
const laters: Record<string, string> = {
  TOO_MANY_REQUESTS: 'Too many attempts. Try again',
  FST_USERS_BUSY: 'Many people log in just now. Try again',
  FST_USERS_UNAVAILABLE: 'We cannot do this just now. Try again'
}

/**
 * @param reason why a choice of the user was refused, in words for them
 * @param retryAfter seconds
 */
export function explain (code: string, reason?: string, retryAfter?: number): Problem {
  const later = laters[code]
  if (later !== undefined) return { text: `${later} ${wait(retryAfter)}.` }
  const problem = problems[code] ?? { text: 'Something went wrong. Try again later.' }
  return reason === undefined ? problem : { ...problem, text: reason }
}

function wait (seconds = 5): string {
  if (seconds < 60) return `in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`
  const minutes = Math.ceil(seconds / 60)
  if (minutes < 120) return `in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`
  const hours = Math.ceil(minutes / 60)
  return hours < 48 ? `in ${hours} hours` : `in ${Math.ceil(hours / 24)} days`
}
