package io.athanor.server.access;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.athanor.api.common.Secret;
import io.athanor.tck.fixture.TestClock;
import java.util.Date;

/**
 * An issuer of tokens, and the rules that believe it.
 *
 * @param clock of the issuer and of the rules
 */
public record SignedTokens(TestClock clock) {
  private static final String SECRET = "0123456789abcdef0123456789abcdef";

  /** Rules of this issuer, to which a key is still to be given. */
  public TokenRules.Builder rules() {
    return TokenRules.issuedBy("https://issuer").audience("athanor").clock(clock);
  }

  /** Rules that believe {@link #hs256}. */
  public TokenRules hmac() {
    return rules().secret(Secret.of(SECRET)).build();
  }

  /** What a good token for 'anna' says, who has ten minutes. */
  public JWTClaimsSet.Builder claims() {
    return new JWTClaimsSet.Builder()
        .issuer("https://issuer")
        .audience("athanor")
        .subject("anna")
        .expirationTime(Date.from(clock.instant().plusSeconds(600)));
  }

  /** A token signed with the shared secret. */
  public String hs256(JWTClaimsSet claims) throws JOSEException {
    return signed(JWSAlgorithm.HS256, new MACSigner(SECRET), claims);
  }

  /** A token signed by anybody. */
  public static String signed(JWSAlgorithm algorithm, JWSSigner signer, JWTClaimsSet claims)
      throws JOSEException {
    SignedJWT token = new SignedJWT(new JWSHeader(algorithm), claims);
    token.sign(signer);
    return token.serialize();
  }
}
