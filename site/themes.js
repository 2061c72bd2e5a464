/**
 * Which page stands where on the site, by its path in the repository. `docs/learn/` and the reference of the API are added by themselves.
 * Each page of `docs/` is in one theme: `npm test` sees to that.
 */
export const themes = [
  { text: 'Start', pages: ['docs/getting-started.md', 'docs/README.md', 'docs/web-example.md', 'docs/first-superuser.md', 'docs/deploy.md'] },
  { text: 'Guides: logging in', pages: ['docs/backends.md', 'docs/sessions.md', 'docs/refresh.md', 'docs/guards.md', 'docs/cookies.md'] },
  { text: 'Guides: accounts', pages: ['docs/register.md', 'docs/verify.md', 'docs/reset-password.md', 'docs/me.md', 'docs/manage-users.md', 'docs/mails.md', 'docs/rate-limits.md', 'docs/passwords.md'] },
  { text: 'Guides: your app', pages: ['docs/users.md', 'docs/hooks-and-events.md', 'docs/testing.md', 'docs/openapi.md', 'docs/typescript.md'] },
  { text: 'Learn', pages: [] },
  { text: 'Decide', pages: ['docs/decide.md', 'docs/alternatives.md', 'docs/limits.md', 'docs/faq.md', 'docs/fits.md', 'docs/performance.md', 'docs/migrate-from-fastify-jwt.md', 'docs/migrate-from-passport.md', 'docs/migrate-from-better-auth.md', 'docs/migrate-from-fastapi-users.md'] },
  { text: 'Reference', pages: ['docs/options.md', 'docs/errors.md', 'docs/command-line.md'] },
  { text: 'Security', pages: ['SECURITY.md', 'docs/threat-model.md', 'docs/asvs.md', 'docs/security-tests.md'] },
  { text: 'Project', pages: ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md'] }
]
