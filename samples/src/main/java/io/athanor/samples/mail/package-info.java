/** From real e-mails to a spam filter that answers over HTTP. */
@NullMarked
package io.athanor.samples.mail;

import org.jspecify.annotations.NullMarked;
