<?xml version="1.0" encoding="UTF-8"?>
<!-- What the shop answers: <booked number="" total=""/>. What customers get: <ack><number/><total/></ack>. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="xml" encoding="UTF-8" omit-xml-declaration="yes"/>

  <xsl:template match="/booked">
    <ack>
      <number><xsl:value-of select="@number"/></number>
      <total currency="{@currency}"><xsl:value-of select="@total"/></total>
      <by><xsl:value-of select="@by"/></by>
    </ack>
  </xsl:template>
</xsl:stylesheet>
