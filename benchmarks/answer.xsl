<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="/submit"><ack><lines><xsl:value-of select="count(line)"/></lines><xsl:copy-of select="total"/></ack></xsl:template>
</xsl:stylesheet>
