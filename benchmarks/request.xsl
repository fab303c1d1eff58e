<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="/order">
    <submit customer="{customer}"><xsl:for-each select="item"><line><xsl:value-of select="."/></line></xsl:for-each>
      <total><xsl:value-of select="total"/></total></submit>
  </xsl:template>
</xsl:stylesheet>
