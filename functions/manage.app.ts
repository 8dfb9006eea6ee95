/** The manage app: what enrolled devices call. Loading a door registers it. */
import './management/management.ts';
