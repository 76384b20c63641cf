export { escapePath } from '../../base/escape-path.ts';
